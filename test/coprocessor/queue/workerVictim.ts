import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { collectedLog } from "../collectedLog.ts";
import { done } from "./fixtures.ts";

/*
 * A worker that takes a job, says so, and never finishes it, or only when it is told to by a signal; then it says what the
 * queue had against that. node --import tsx workerVictim.ts <redis url> <namespace> [<signal>]
 */
const [url = "", namespace = "", signal] = process.argv.slice(2);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const log = collectedLog();
// The queue's refusal of a late answer comes as an error of its worker, which the log has.
log.debug = (fields) => {
  const { error } = fields as { error?: string };
  if (error?.includes("lock")) say({ told: error });
};
const consumer = await createBullmqConsumer({
  backend: { type: "redis", url },
  namespace,
  log,
  concurrency: 1,
});
await consumer.run(async ({ key }) => {
  say({ running: key });
  return new Promise((resolve) => {
    if (signal !== undefined) process.once(signal, () => resolve(done("0x01")));
  });
});
