import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { collectedLog } from "../collectedLog.ts";

/*
 * A worker that takes a job, says so, and never finishes it. node --import tsx workerVictim.ts <redis url> <namespace>
 */
const [url = "", namespace = ""] = process.argv.slice(2);
const consumer = await createBullmqConsumer({
  backend: { type: "redis", url },
  namespace,
  log: collectedLog(),
  concurrency: 1,
});
await consumer.run(async ({ key }) => {
  process.stdout.write(`${JSON.stringify({ running: key })}\n`);
  return new Promise(() => {});
});
