import type { Hex } from "viem";
import { requestIdIn } from "../core/request.ts";
import type { StatusSource } from "../observe/statusServer.ts";
import { dropRequest, retryParked } from "../pipeline/control.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import type { QueueDepth, QueuedJob } from "../queue/port.ts";

/** A request that this operator gave up, as `/queue` tells it. */
export interface ParkedRequest {
  requestId: Hex;
  modelId: Hex;
  /** `code: message` */
  reason: string | null;
  /** Unix seconds. */
  deadline: number;
  /** Whether it can still be taken up again. */
  inTime: boolean;
}

/** What `/queue` tells; plain JSON values. */
export interface QueueView {
  queues: QueueDepth[];
  jobs: (QueuedJob & { requestId: Hex | null })[];
  /** The latest first. */
  parked: ParkedRequest[];
}

/** What the status server tells of the queue, and what it lets a command change that it admits. */
export function queueStatus(deps: PipelineDeps): Pick<StatusSource, "queue" | "retry" | "drop"> {
  const { store, queue, clock, now } = deps;
  return {
    async queue(limit): Promise<QueueView> {
      const [queues, jobs, parked] = await Promise.all([
        queue.depths(),
        queue.jobs(limit),
        store.requests({ states: ["parked"], limit, newestFirst: true }),
      ]);
      const chainSeconds = clock.now(now()) / 1_000;
      return {
        queues,
        jobs: jobs.map((job) => ({ requestId: requestIdIn(job.key), ...job })),
        parked: parked.map(({ requestId, request, reason, deadline }) => ({
          ...{ requestId, modelId: request.modelId, reason, deadline },
          inTime: chainSeconds < deadline,
        })),
      };
    },
    retry: async (requestId) => ({ requestId, state: await retryParked(deps, requestId) }),
    async drop(requestId) {
      await dropRequest(deps, requestId);
      return { requestId, state: "parked" };
    },
  };
}
