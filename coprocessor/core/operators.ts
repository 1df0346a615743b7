import type { Address, Hex } from "viem";

/** An operator as the registry's events tell it. */
export interface OperatorRecord {
  operatorId: number;
  owner: Address;
  attester: Address;
  /** Where peers reach it: a libp2p multiaddr, or a URL where operators speak over HTTP. */
  endpoint: string;
}

/** One operator's seat for one model; weight 0 when it left. */
export interface EnrolmentRecord {
  modelId: Hex;
  operatorId: number;
  attester: Address;
  /** Units of 1e12 wei of stake. */
  weight: bigint;
  /** Unix seconds; requests opened before it do not count the seat. */
  activeFrom: number;
}

/** A published model as the registry's events tell it. */
export interface ModelRecord {
  modelId: Hex;
  publisher: Address;
  manifestURI: string;
  /** How outputs compare, packed as on chain (`unpackProfile`). */
  profile: bigint;
}
