import { oracleDomain } from "@sibyl/sdk";
import { type Address, type Hex, hashTypedData, isAddressEqual } from "viem";
import type { OracleScope } from "./messages.ts";

/**
 * Says which peer speaks for an operator, for a while, and where it can be reached.
 *
 * The attester's key signs it (EIP-712, the oracle's domain), so a peer that holds its peer id's key and such a record
 * is the operator's own. Nothing on chain reads it.
 */
export interface PeerRecord extends OracleScope {
  /** libp2p peer id of an Ed25519 key, in base58. */
  peerId: string;
  operatorId: number;
  /** Where the peer says that it listens, in its transport's own form; may be empty. */
  addresses: string[];
  /** Unix seconds. */
  issuedAt: number;
  /** Unix seconds; the record counts before it. */
  expiresAt: number;
}

export interface SignedPeerRecord extends PeerRecord {
  /** 65 bytes, as the contracts want them. */
  signature: Hex;
}

/** Seconds that our own records count. Short, so that a lost peer key is of little use for long. */
export const RECORD_LIFETIME_S = 30 * 60;
/** Seconds that a record may count at most. */
export const MAX_RECORD_LIFETIME_S = 24 * 60 * 60;
/** Seconds that its issuer's clock may be ahead of ours. */
export const MAX_RECORD_SKEW_S = 120;

const PEER_RECORD_TYPES = {
  PeerRecord: [
    { name: "peerId", type: "string" },
    { name: "operatorId", type: "uint32" },
    { name: "addresses", type: "string[]" },
    { name: "issuedAt", type: "uint64" },
    { name: "expiresAt", type: "uint64" },
  ],
} as const;

/** Typed data of a record, ready for `account.signTypedData`. */
export function peerRecordTypedData(record: PeerRecord) {
  const { peerId, operatorId, addresses, issuedAt, expiresAt } = record;
  return {
    domain: oracleDomain(record),
    types: PEER_RECORD_TYPES,
    primaryType: "PeerRecord",
    message: {
      peerId,
      operatorId,
      addresses,
      issuedAt: BigInt(issuedAt),
      expiresAt: BigInt(expiresAt),
    },
  } as const;
}

/** The 32 bytes that a record's signature is over. */
export const peerRecordDigest = (record: PeerRecord): Hex => hashTypedData(peerRecordTypedData(record));

/** What the registry says about an operator now. */
export interface OperatorStanding {
  attester: Address;
  /** Holds a seat with stake behind it, for any model: it has something to lose. */
  seated: boolean;
}

/**
 * Why a record proves nothing.
 *
 * `malformed`, `wrong-scope`, `wrong-peer`, `bad-signature`: nobody honest sends it
 * `expired`, `not-yet-valid`, `lives-too-long`: one of the two clocks is off, or its issuer is another software
 * `unknown-operator`, `not-its-attester`, `no-seat`: so says the registry as far as we have read it
 * `superseded`: the operator signed a later record for another peer
 */
export type RecordFault =
  | "malformed"
  | "wrong-scope"
  | "wrong-peer"
  | "bad-signature"
  | "expired"
  | "not-yet-valid"
  | "lives-too-long"
  | "unknown-operator"
  | "not-its-attester"
  | "no-seat"
  | "superseded";

export interface RecordRefusal {
  fault: RecordFault;
  /** For people: the values that do not fit. */
  detail: string;
}

/** Faults that say something against the peer itself; others may be our own clock's or our own chain's. */
const OFFENCES: ReadonlySet<RecordFault> = new Set([
  "malformed",
  "wrong-scope",
  "wrong-peer",
  "bad-signature",
]);

export const isOffence = (fault: RecordFault): boolean => OFFENCES.has(fault);

/**
 * Holds a record against the peer that showed it, and against the clock; null when it fits.
 *
 * @param peerId Whom the connection proved to be there.
 * @param nowMs Our clock, Unix milliseconds.
 */
export function checkRecord(
  record: PeerRecord,
  expected: { scope: OracleScope; peerId: string },
  nowMs: number,
): RecordRefusal | null {
  const { scope, peerId } = expected;
  const { issuedAt, expiresAt } = record;
  const nowS = Math.floor(nowMs / 1_000);
  if (record.chainId !== scope.chainId || !isAddressEqual(record.oracle, scope.oracle)) {
    return refuse(
      "wrong-scope",
      `for oracle ${record.oracle} on chain ${record.chainId}, ours is ${scope.oracle} on chain ${scope.chainId}`,
    );
  }
  if (record.peerId !== peerId) return refuse("wrong-peer", `for peer ${record.peerId}, shown by ${peerId}`);
  if (issuedAt > nowS + MAX_RECORD_SKEW_S) {
    return refuse(
      "not-yet-valid",
      `issued ${issuedAt - nowS} s from now by our clock, at most ${MAX_RECORD_SKEW_S}`,
    );
  }
  if (expiresAt <= nowS) return refuse("expired", `${nowS - expiresAt} s ago by our clock`);
  if (expiresAt - issuedAt > MAX_RECORD_LIFETIME_S) {
    return refuse("lives-too-long", `${expiresAt - issuedAt} s, at most ${MAX_RECORD_LIFETIME_S}`);
  }
  return null;
}

/** Holds a record's signer against the registry; null when it is a bonded operator's attester. */
export function checkStanding(
  { operatorId }: Pick<PeerRecord, "operatorId">,
  signer: Address,
  standing: OperatorStanding | null,
): RecordRefusal | null {
  if (standing === null) return refuse("unknown-operator", `operator ${operatorId} is not registered`);
  const { attester, seated } = standing;
  if (!isAddressEqual(attester, signer)) {
    return refuse(
      "not-its-attester",
      `signed by ${signer}, operator ${operatorId}'s attester is ${attester}`,
    );
  }
  return seated ? null : refuse("no-seat", `operator ${operatorId} has no seat with stake behind it`);
}

const refuse = (fault: RecordFault, detail: string): RecordRefusal => ({ fault, detail });
