import type { Proposal, RequestWords } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import type { DisputedProposal, Verdict } from "./dispute.ts";

/** `chainId-oracle-requestId`, lower case: one request anywhere; also the queue's job id. */
export type RequestKey = string;

export const requestKey = (chainId: number, oracle: Address, requestId: Hex): RequestKey =>
  `${chainId}-${oracle}-${requestId}`.toLowerCase();

/** The id in a key, or in the name of something that belongs to one: a job, a transaction; null when there is none. */
export function requestIdIn(name: string): Hex | null {
  const [, requestId] = /(?:^|[-/])\d+-0x[0-9a-f]{40}-(0x[0-9a-f]{64})(?:$|\/)/.exec(name) ?? [];
  return (requestId as Hex | undefined) ?? null;
}

/**
 * Where a request, or a dispute about one, stands with this operator.
 *
 * `waiting`   seen; not drawn yet, or standing by
 * `queued`    a job runs or will run
 * `computed`  output stored, nothing signed
 * `committed` commitment signed and stored
 * `revealed`  output and salt are public
 * `attested`  at least one attestation signed
 * `proposed`  the chain has an answer that may still be challenged; `reason` says until when
 * `challenged` its answer was challenged; the jury decides, or nobody does in time
 * `settled`   the chain has an answer (ours or an equal one); of a dispute: the chain has its verdict
 * `expired`   the deadline passed without an answer; `reason` says what was missing
 * `aside`     not ours to answer; kept because we may judge, or watch, the answer that others give
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
  | "challenged"
  | "settled"
  | "expired"
  | "parked"
  | "aside";

/** States in which something may still happen before the deadline. */
export const OPEN_STATES = ["waiting", "queued", "computed", "committed", "revealed", "attested"] as const;

export const isOpen = (state: RequestState): boolean =>
  (OPEN_STATES as readonly RequestState[]).includes(state);

/** States that the chain's word about a request may change; an expired row only looked expired to us. */
export const UNCLOSED_STATES = [
  ...OPEN_STATES,
  "proposed",
  "challenged",
  "parked",
  "expired",
  "aside",
] as const;

/** A proposal with the bytes that it names: all that finalizing it takes beside the request. */
export interface ProposedOutput {
  proposal: Proposal;
  output: Hex;
}

/**
 * One operator's row for one subject of agreement: a request, or a dispute about one, which its jury answers the same way.
 *
 * A dispute's row has the dispute's id for `requestId`, because that is what jurors sign; its opening is the challenge,
 * whose block's hash draws the jury, and its deadline the last second of the verdict time.
 */
export interface RequestRecord {
  key: RequestKey;
  chainId: number;
  oracle: Address;
  requestId: Hex;
  /** Null on a request's row. */
  dispute: DisputedProposal | null;
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
  /** The block that suspended the proposal; null before. */
  challengedBlock: bigint | null;
  /** Of the dispute about this request's proposal, if a jury is asked. */
  disputeId: Hex | null;
  /** How the chain ended the dispute that this row is about. */
  verdict: Verdict | null;
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

/** What the chain says of a subject of agreement when it opens, and where it begins with us. */
export type OpenedSubject = Pick<
  RequestRecord,
  | "chainId"
  | "oracle"
  | "requestId"
  | "dispute"
  | "request"
  | "input"
  | "deadline"
  | "openedBlock"
  | "openedBlockHash"
  | "openedTransaction"
> & { state: Extract<RequestState, "waiting" | "aside"> };

/**
 * A row as it begins: nothing computed, said or decided.
 *
 * @param now Unix milliseconds
 */
export function newRecord(opened: OpenedSubject, now: number): RequestRecord {
  return {
    ...opened,
    key: requestKey(opened.chainId, opened.oracle, opened.requestId),
    reason: null,
    output: null,
    outputHash: null,
    proposed: null,
    proposedBlock: null,
    challengedBlock: null,
    disputeId: null,
    verdict: null,
    closedBlock: null,
    closedTransaction: null,
    settledOutput: null,
    callbackFailed: false,
    createdAt: now,
    updatedAt: now,
  };
}
