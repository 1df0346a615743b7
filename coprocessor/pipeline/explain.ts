import type { Ballot } from "../core/ballot.ts";
import { juryProgress } from "../core/dispute.ts";
import { type RequestRecord, requestKey } from "../core/request.ts";
import { loadBallot, loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";

/** One drawn operator's part in a request, as far as this node heard. */
export interface SeatExplanation {
  operatorId: number;
  /** `primary` starts at once; `standby` when a primary is late; `round n` once the draw widens that far. */
  role: string;
  committed: boolean;
  revealed: boolean;
  attested: boolean;
}

/** A challenge, on the row of the request that it is about and on the row of the dispute itself. */
export interface DisputeExplanation {
  disputeId: string;
  /** Of the request. */
  requestId: string;
  arbiter: string;
  challenger: string;
  /** Unix seconds. */
  verdictUntil: number;
  /** Jurors that must agree. */
  quorum: number;
  /** How far the jury is: `commitments 2 of 4`. */
  jury: string;
  /** `upheld`, `overturned` or `lapsed`; null while it is open. */
  verdict: string | null;
}

/** Why a request, or a dispute about one, stands where it stands; plain JSON values. */
export interface RequestExplanation {
  requestId: string;
  state: string;
  reason: string | null;
  modelId: string;
  consumer: string;
  quorum: number;
  committeeSize: number;
  /** Unix seconds. */
  deadline: number;
  openedBlock: string;
  seats: SeatExplanation[];
  output: string | null;
  settledOutput: string | null;
  settledTransaction: string | null;
  /** Milliseconds from the first reveal to a quorum of attestations of one output, as this node heard them. */
  agreementMs: number | null;
  callbackFailed: boolean;
  /** Null for a request that was not challenged, or whose arbiter is no jury. */
  dispute: DisputeExplanation | null;
  /** Our second look at what others proposed; null without one. */
  watch: WatchExplanation | null;
  /** What this operator owes or owed the chain for it. */
  transactions: TransactionExplanation[];
}

/** One transaction of this operator about a request; its place in the outbox. */
export interface TransactionExplanation {
  kind: string;
  state: string;
  /** Why it waits, was refused or was given up. */
  reason: string | null;
  nonce: number | null;
  /** The one that was mined, else the newest that was signed. */
  hash: string | null;
}

/** A second look: what came of it, and both outputs. */
export interface WatchExplanation {
  state: string;
  reason: string | null;
  output: string | null;
  proposedOutput: string | null;
}

type ExplainDeps = Pick<PipelineDeps, "store" | "timing" | "waiting">;

export async function explain(deps: ExplainDeps, record: RequestRecord): Promise<RequestExplanation> {
  const context = await loadContext(deps, record);
  const ballot = await loadBallot(deps, record, context);
  const { fields, terms, candidates } = context;
  const dispute = await explainDispute(deps, record);
  const attesters = new Set(ballot.attestations.flatMap(({ signers }) => [...signers.keys()]));
  return {
    requestId: record.requestId,
    state: record.state,
    reason:
      record.state === "challenged" && dispute !== null
        ? `challenged: jury ${dispute.jury}`
        : (deps.waiting.get(record.key) ?? record.reason),
    modelId: fields.modelId,
    consumer: fields.consumer,
    quorum: terms.quorum,
    committeeSize: terms.committeeSize,
    deadline: record.deadline,
    openedBlock: record.openedBlock.toString(),
    seats: candidates.map(({ operatorId, fromRound }, place) => ({
      operatorId,
      role: fromRound > 0 ? `round ${fromRound}` : place < terms.committeeSize ? "primary" : "standby",
      committed: ballot.timely.has(operatorId),
      revealed: ballot.reveals.has(operatorId),
      attested: attesters.has(operatorId),
    })),
    output: record.output,
    settledOutput: record.settledOutput,
    settledTransaction: record.closedTransaction,
    agreementMs: agreementMs(ballot, terms.quorum),
    callbackFailed: record.callbackFailed,
    dispute,
    watch: await explainWatch(deps, record),
    transactions: (await deps.store.outboxFor(record.key)).map((entry) => ({
      kind: entry.kind,
      state: entry.state,
      reason: entry.reason,
      nonce: entry.nonce,
      hash: entry.minedTransaction ?? entry.attempts.at(-1)?.hash ?? null,
    })),
  };
}

async function explainWatch(
  { store }: ExplainDeps,
  { key }: RequestRecord,
): Promise<WatchExplanation | null> {
  const watch = await store.watch(key);
  if (watch === null) return null;
  const { state, reason, output, proposedOutput } = watch;
  return { state, reason, output, proposedOutput };
}

/** Of the dispute that a row is about, or whose request it is. */
async function explainDispute(deps: ExplainDeps, record: RequestRecord): Promise<DisputeExplanation | null> {
  const { chainId, oracle, disputeId } = record;
  const row = disputeId === null ? record : await deps.store.request(requestKey(chainId, oracle, disputeId));
  if (row === null || row.dispute === null) return null;
  const context = await loadContext(deps, row);
  const ballot = await loadBallot(deps, row, context);
  return {
    disputeId: row.requestId,
    requestId: row.dispute.requestId,
    arbiter: row.dispute.arbiter,
    challenger: row.dispute.dispute.challenger,
    verdictUntil: row.deadline,
    quorum: context.terms.quorum,
    jury: juryProgress(ballot, context.terms.quorum),
    verdict: row.verdict,
  };
}

function agreementMs({ cutOffAt, attestations }: Ballot, quorum: number): number | null {
  const times = attestations.flatMap(({ times: heard }) => heard[quorum - 1] ?? []);
  return cutOffAt === null || times.length === 0 ? null : Math.min(...times) - cutOffAt;
}
