/**
 * A BullMQ worker that does nothing, for a process of its own: what the fleet is measured against.
 *
 *     node --import tsx scripts/bench/bareWorker.ts <redis url> <prefix> <concurrency> <outcome as JSON>
 */
import { createRedisBackend, Worker } from "bullmq";
import { Redis } from "ioredis";

const [url = "", prefix = "", concurrency = "", outcome = ""] = process.argv.slice(2);
const connection = new Redis(url, { maxRetriesPerRequest: null });
const returned: unknown = JSON.parse(outcome);
const worker = new Worker(
  "bare",
  async () => returned,
  { connection, prefix, concurrency: Number(concurrency) },
  createRedisBackend,
);
await worker.waitUntilReady();
process.stdout.write("ready\n");
