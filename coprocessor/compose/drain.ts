import type { ChainClock } from "../core/chainClock.ts";
import type { RequestState } from "../core/request.ts";
import type { Workload } from "../core/workload.ts";
import type { Log } from "../observe/port.ts";
import type { Store } from "../store/port.ts";

/** Requests that this node has begun and that are not over. */
const UNDER_WAY: readonly RequestState[] = ["queued", "computed", "committed", "revealed", "attested"];
const LOOK_MS = 200;

export interface DrainParts {
  workload: Workload;
  store: Store;
  clock: ChainClock;
  log: Log;
}

/**
 * Takes nothing new and waits until what is under way is over: requests that were begun, and transactions that are not in a
 * block. What the time does not suffice for is gone on with after the next start.
 *
 * @returns Whether all of it was over.
 */
export async function drain(parts: DrainParts, timeoutMs: number): Promise<boolean> {
  const { workload, log } = parts;
  workload.drain();
  const startedAt = Date.now();
  let left = await underWay(parts);
  if (left.requests + left.transactions > 0) log.info({ ...left, timeoutMs }, "draining");
  while (left.requests + left.transactions > 0) {
    if (Date.now() - startedAt >= timeoutMs) {
      log.warn(left, "drained in part: the time is over, the rest goes on after the next start");
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    left = await underWay(parts);
  }
  log.info({ drainedMs: Date.now() - startedAt }, "drained");
  return true;
}

async function underWay({ store, clock }: DrainParts): Promise<{ requests: number; transactions: number }> {
  const chainSeconds = clock.now(Date.now()) / 1_000;
  const begun = await store.requests({ states: UNDER_WAY });
  const owed = await store.outbox({ states: ["planned", "signed"] });
  // A finalization may be due in days; the outbox keeps it.
  const soon = owed.filter(({ state, kind }) => state === "signed" || kind === "settle");
  return {
    requests: begun.filter(({ deadline }) => deadline >= chainSeconds).length,
    transactions: soon.length,
  };
}
