import type { RequestKey, RequestState } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/** Gives a request up for this operator, visibly: others may still answer it, or it expires. */
export async function park(
  { store, waiting, workload, log }: Pick<PipelineDeps, "store" | "waiting" | "workload" | "log">,
  key: RequestKey,
  from: readonly RequestState[],
  reason: string,
): Promise<void> {
  await store.transition(key, from, "parked", { reason });
  waiting.delete(key);
  workload.ended(key);
  log.warn({ key, reason }, "request parked: we cannot answer it");
}
