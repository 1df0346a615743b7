import type { Ballot } from "../core/ballot.ts";
import type { RequestRecord } from "../core/request.ts";
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

/** Why a request stands where it stands; plain JSON values. */
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
}

export async function explain(
  deps: Pick<PipelineDeps, "store" | "timing" | "waiting">,
  record: RequestRecord,
): Promise<RequestExplanation> {
  const context = await loadContext(deps, record);
  const ballot = await loadBallot(deps, record, context);
  const { fields, candidates } = context;
  const attesters = new Set(ballot.attestations.flatMap(({ signers }) => [...signers.keys()]));
  return {
    requestId: record.requestId,
    state: record.state,
    reason: deps.waiting.get(record.key) ?? record.reason,
    modelId: fields.modelId,
    consumer: fields.consumer,
    quorum: fields.quorum,
    committeeSize: fields.committeeSize,
    deadline: fields.deadline,
    openedBlock: record.openedBlock.toString(),
    seats: candidates.map(({ operatorId, fromRound }, place) => ({
      operatorId,
      role: fromRound > 0 ? `round ${fromRound}` : place < fields.committeeSize ? "primary" : "standby",
      committed: ballot.timely.has(operatorId),
      revealed: ballot.reveals.has(operatorId),
      attested: attesters.has(operatorId),
    })),
    output: record.output,
    settledOutput: record.settledOutput,
    settledTransaction: record.closedTransaction,
    agreementMs: agreementMs(ballot, fields.quorum),
    callbackFailed: record.callbackFailed,
  };
}

function agreementMs({ cutOffAt, attestations }: Ballot, quorum: number): number | null {
  const times = attestations.flatMap(({ times: heard }) => heard[quorum - 1] ?? []);
  return cutOffAt === null || times.length === 0 ? null : Math.min(...times) - cutOffAt;
}
