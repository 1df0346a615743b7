import { randomUUID } from "node:crypto";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { JobEndings } from "../../../coprocessor/queue/jobEndings.ts";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { collectedLog } from "../collectedLog.ts";
import { job } from "../queue/fixtures.ts";
import { TEMPLATE } from "./embedded.ts";
import { requestRecord } from "./fixtures.ts";

/*
 * A node that writes rows and jobs as fast as it can, and says each time what was acknowledged, until it is killed.
 * It has one job under way all the while. node --import tsx crashVictim.ts <database directory>
 */
const log = collectedLog();
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
try {
  const directory = process.argv[2] ?? "";
  const database = await openEmbeddedDatabase({ directory, searchPath: "bullmq", template: TEMPLATE, log });
  const store = await createDrizzleStore({ database, log });
  const backend = { type: "postgres" as const, pool: database.pool, endings: new JobEndings() };
  const queue = await createBullmqQueue({ backend, log });
  const consumer = await createBullmqConsumer({ backend, log, concurrency: 1 });
  await queue.add(job("under way"));
  await consumer.run(async ({ key }) => {
    say({ running: key });
    return new Promise(() => {});
  });
  for (;;) {
    const label = randomUUID();
    const record = requestRecord(label);
    await store.transaction(async (inner) => {
      await inner.insertRequest(record);
      await inner.transition(record.key, ["waiting"], "queued");
    });
    say({ row: record.key });
    await queue.add(job(label));
    say({ job: job(label).key });
  }
} catch (error) {
  if (!(error instanceof CoprocessorError)) throw error;
  say({ error: error.code, pid: error.meta.pid });
}
