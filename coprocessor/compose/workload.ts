import type { Config } from "../config.ts";
import { Workload } from "../core/workload.ts";
import type { Store } from "../store/port.ts";
import { JOBS_PER_THREAD } from "./worker.ts";

/** Receipts that the first estimates of models' times are made from. */
const REMEMBERED_RUNS = 500;

/**
 * The node's workload with what earlier runs taught; its rules follow the configuration as it is now.
 *
 * @param beside Of another oracle that the same workers serve.
 */
export async function openWorkload(
  live: { current: Config },
  store: Store,
  beside?: Workload,
): Promise<Workload> {
  const workload = new Workload(() => {
    const { inferenceThreads, operations, capabilities } = live.current;
    const lanes = operations.workerLanes ?? inferenceThreads;
    return {
      capabilities,
      lanes,
      held: lanes * JOBS_PER_THREAD,
      maxJobs: operations.maxQueuedJobs,
      marginMs: operations.admissionMarginMs,
      prices: operations.prices,
    };
  }, beside);
  for (const receipt of (await store.receipts(REMEMBERED_RUNS)).reverse())
    workload.observe(receipt.modelId, receipt, receipt.computedAt);
  return workload;
}
