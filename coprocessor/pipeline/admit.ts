import { type ModelManifest, unpackRequest } from "@sibyl/sdk";
import { feeRatio, refuseFee } from "../core/earnings.ts";
import { queuePriority } from "../core/queuePriority.ts";
import { OPEN_STATES, type RequestRecord } from "../core/request.ts";
import type { OfferedJob, WorkloadRules } from "../core/workload.ts";
import type { PipelineDeps } from "./deps.ts";
import { park } from "./park.ts";

type AdmitDeps = Pick<
  PipelineDeps,
  "store" | "waiting" | "log" | "workload" | "timing" | "clock" | "now" | "wake"
>;

/** Blocks from a quorum's attestations to the settlement's receipt. */
const BLOCKS_TO_SETTLE = 2;

/**
 * Decides whether this node takes a request's job now.
 *
 * A fee below our floor parks the request: it does not rise. Without room it stays `waiting` with the reason, and is looked
 * at again when jobs have ended, which may be in a later round of the draw.
 */
export async function admit(
  deps: AdmitDeps,
  record: RequestRecord,
  manifest: ModelManifest,
): Promise<boolean> {
  const fields = unpackRequest(record.request);
  const { workload } = deps;
  const tooCheap = refuseFee(fields, manifest.name, workload.rules.prices);
  if (tooCheap !== null) {
    await park(deps, record.key, OPEN_STATES, tooCheap);
    return false;
  }
  const now = deps.now();
  const decision = workload.take(offered(deps, record, now), now);
  if (decision.type === "take") return true;
  if (decision.type === "drain") {
    deps.waiting.set(record.key, "node/draining: this node takes nothing new before it ends");
    return false;
  }
  const reason = `${decision.code}: ${decision.reason}`;
  if (deps.waiting.get(record.key) === undefined || !deps.waiting.get(record.key)?.startsWith(decision.code))
    deps.log.info({ requestId: record.requestId, code: decision.code, reason }, "request not taken for now");
  deps.waiting.set(record.key, reason);
  if (decision.retryAt !== null) deps.wake(record.key, decision.retryAt);
  return false;
}

/** Counts a job that was handed to the queue before a restart. */
export function resumeJob(deps: AdmitDeps, record: RequestRecord): void {
  const now = deps.now();
  deps.workload.resume(offered(deps, record, now), now);
}

function offered(deps: AdmitDeps, record: RequestRecord, now: number): OfferedJob {
  const { key, deadline, request } = record;
  const aheadMs = deps.clock.now(now) - now;
  return {
    key,
    modelId: request.modelId,
    priority: priorityOf(record, deps.workload.rules),
    latestEndAt: deadline * 1_000 - aheadMs - concludingMs(deps),
  };
}

/** A request's place in the queue; see `queuePriority`. */
export const priorityOf = ({ deadline, request }: RequestRecord, { prices }: WorkloadRules): number =>
  queuePriority(deadline, feeRatio(unpackRequest(request), prices));

/** What comes between an output and the settlement's block, when nothing goes wrong. */
function concludingMs({ timing, clock, workload }: AdmitDeps): number {
  const agreementMs = timing.commitGraceMs + timing.revealGraceMs;
  return agreementMs + BLOCKS_TO_SETTLE * clock.blockIntervalMs + workload.rules.marginMs;
}
