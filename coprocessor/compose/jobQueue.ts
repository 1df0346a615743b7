import { createPinoLog } from "../observe/pinoLog.ts";
import { createBullmqQueue } from "../queue/bullmqQueue.ts";
import { jobOptions } from "../queue/jobOptions.ts";
import type { JobQueue } from "../queue/port.ts";
import { backendOf } from "./storage.ts";

/** How a node has BullMQ keep its jobs, for programs that measure BullMQ alone. */
export const nodeJobOptions = (): ReturnType<typeof jobOptions> => jobOptions();

/**
 * The node's end of a queue, without a node: for programs that measure workers, or feed them from elsewhere.
 *
 * @param options.url As `QUEUE_URL`.
 * @throws CoprocessorError as the node does when it opens its queue.
 */
export function openJobQueue(options: {
  url: string;
  namespace: string;
  secret?: string | null;
}): Promise<JobQueue> {
  const log = createPinoLog("error", { service: "sibyl" });
  const { url, ...rest } = options;
  return createBullmqQueue({ backend: backendOf(url), log, ...rest });
}
