import type { Dispute, Proposal, RequestWords } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import type { BlockRef } from "../core/block.ts";
import type { Arbiter } from "../core/dispute.ts";

export interface LogPosition {
  blockNumber: bigint;
  blockHash: Hex;
  transactionHash: Hex;
  logIndex: number;
}

/** The protocol's events, decoded and checked at the edge. */
export type ChainEvent = { position: LogPosition } & (
  | { type: "RequestOpened"; requestId: Hex; request: RequestWords; input: Hex }
  | { type: "RequestSettled"; requestId: Hex; signers: number[]; gasPaid: bigint; output: Hex }
  | { type: "OutputProposed"; requestId: Hex; proposal: Proposal; output: Hex }
  | { type: "ProposalSuspended"; requestId: Hex }
  | { type: "ProposalChallenged"; disputeId: Hex; requestId: Hex; dispute: Dispute; arbiter: Arbiter }
  | { type: "ProposalUpheld"; disputeId: Hex; requestId: Hex; jurors: number[] }
  | { type: "ProposalOverturned"; disputeId: Hex; requestId: Hex; jurors: number[]; outputHash: Hex }
  | { type: "DisputeLapsed"; disputeId: Hex; requestId: Hex }
  | { type: "CallbackFailed"; requestId: Hex; reason: Hex }
  | { type: "Redelivered"; requestId: Hex }
  | { type: "RequestExpired"; requestId: Hex }
  | { type: "OperatorRegistered"; operatorId: number; owner: Address; attester: Address; endpoint: string }
  | { type: "EndpointChanged"; operatorId: number; endpoint: string }
  | { type: "AttesterRotated"; operatorId: number; attester: Address }
  | {
      type: "EnrolmentChanged";
      modelId: Hex;
      operatorId: number;
      attester: Address;
      weight: bigint;
      activeFrom: number;
    }
  | { type: "ModelPublished"; modelId: Hex; publisher: Address; manifestURI: string; profile: bigint }
  | { type: "ManifestURIChanged"; modelId: Hex; manifestURI: string }
  /** A log of one of our contracts that cannot be what it claims to be: to be recorded, never acted on. */
  | { type: "Malformed"; address: Address; eventName: string; reason: string }
);

/**
 * What the chain did next.
 *
 * `blocks`    the chain grew to `head`; `events` are those of all blocks since the previous step, in log order
 * `reorg`     blocks after `ancestor` are gone, and with them everything that they said
 * `finalized` nothing up to this block can be undone
 */
export type ChainStep =
  | { type: "blocks"; head: BlockRef; events: ChainEvent[] }
  | { type: "reorg"; ancestor: BlockRef }
  | { type: "finalized"; block: BlockRef };

/**
 * Follows one chain's oracle, registries and the juries among the oracle's arbiters.
 *
 * Implementations: `rpcChain` (JSON-RPC polling; HTTP or WebSocket URL). Deliberately excluded: sending
 * transactions (`submit`), and keeping state: the caller stores each step's cursor in the same transaction as what
 * it made of the step, and hands the stored blocks back to `follow` at start.
 */
export interface Chain {
  readonly chainId: number;
  /**
   * Yields steps until `signal` aborts. A step that was yielded and not stored is yielded again after a restart.
   *
   * @param known Heads of stored steps that are not final yet, oldest first; empty at first start.
   * @throws CoprocessorError `chain/reorg-too-deep` when no known block is on the chain any more.
   */
  follow(known: readonly BlockRef[], signal: AbortSignal): AsyncGenerator<ChainStep>;
  /**
   * A jury by the index that requests name it by, or by its address; null for nobody, and for an arbiter of another kind.
   */
  arbiter(which: number | Address): Arbiter | null;
  /** The chain's latest block. */
  head(): Promise<BlockRef>;
}
