import type { Proposal, RequestWords } from "@sibyl/sdk";
import type { Address, Hex } from "viem";

/** `chainId-oracle-requestId`, lower case: one request anywhere; also the queue's job id. */
export type RequestKey = string;

export const requestKey = (chainId: number, oracle: Address, requestId: Hex): RequestKey =>
  `${chainId}-${oracle}-${requestId}`.toLowerCase();

/**
 * Where a request stands with this operator.
 *
 * `waiting`   seen; not drawn yet, or standing by
 * `queued`    a job runs or will run
 * `computed`  output stored, nothing signed
 * `committed` commitment signed and stored
 * `revealed`  output and salt are public
 * `attested`  at least one attestation signed
 * `proposed`  the chain has an answer that may still be challenged; `reason` says until when
 * `settled`   the chain has an answer (ours or an equal one)
 * `expired`   the deadline passed without an answer; `reason` says what was missing
 * `parked`    this operator cannot serve it; `reason` says why. Others may.
 */
export type RequestState =
  | "waiting"
  | "queued"
  | "computed"
  | "committed"
  | "revealed"
  | "attested"
  | "proposed"
  | "settled"
  | "expired"
  | "parked";

/** States in which something may still happen before the deadline. */
export const OPEN_STATES = ["waiting", "queued", "computed", "committed", "revealed", "attested"] as const;

export const isOpen = (state: RequestState): boolean =>
  (OPEN_STATES as readonly RequestState[]).includes(state);

/** States that the chain's word about a request may change; an expired row only looked expired to us. */
export const UNCLOSED_STATES = [...OPEN_STATES, "proposed", "parked", "expired"] as const;

/** A proposal with the bytes that it names: all that finalizing it takes beside the request. */
export interface ProposedOutput {
  proposal: Proposal;
  output: Hex;
}

/** One operator's row for one request. */
export interface RequestRecord {
  key: RequestKey;
  chainId: number;
  oracle: Address;
  requestId: Hex;
  request: RequestWords;
  input: Hex;
  /** Unix seconds; copied from `terms` so that a store can order by it. */
  deadline: number;
  /** The log's place; `openedBlockHash` seeds the draw. */
  openedBlock: bigint;
  openedBlockHash: Hex;
  openedTransaction: Hex;
  state: RequestState;
  /** Why it is parked or expired; what it waits for otherwise. */
  reason: string | null;
  output: Hex | null;
  outputHash: Hex | null;
  /** What the chain holds to be the answer until its challenge window is over; null before. */
  proposed: ProposedOutput | null;
  proposedBlock: bigint | null;
  /** Set when settled or expired on chain. */
  closedBlock: bigint | null;
  closedTransaction: Hex | null;
  /** The bytes the chain accepted; may differ from `output` within the model's tolerance. */
  settledOutput: Hex | null;
  callbackFailed: boolean;
  /** Unix milliseconds. */
  createdAt: number;
  updatedAt: number;
}
