import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPostgresBackend, type PgPool, Queue } from "bullmq";
import { QUEUE_SCHEMA } from "../../../coprocessor/queue/bullmqBackend.ts";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { JobEndings } from "../../../coprocessor/queue/jobEndings.ts";
import { openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { collectedLog } from "../collectedLog.ts";
import { TEMPLATE } from "../store/embedded.ts";

import { type QueueUnderTest, queueConformance } from "./conformance.ts";

async function open(): Promise<QueueUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "sibyl-queue-"));
  const log = collectedLog();
  const options = { directory: join(folder, "db"), searchPath: QUEUE_SCHEMA, template: TEMPLATE, log };
  const database = await openEmbeddedDatabase(options);
  const backend = { type: "postgres" as const, pool: database.pool, endings: new JobEndings() };
  const withRaw = async <T>(namespace: string, use: (queue: Queue) => Promise<T>): Promise<T> => {
    const connection = database.pool as unknown as PgPool;
    const queue = new Queue(`${namespace}-inference`, { connection }, createPostgresBackend);
    try {
      return await use(queue as unknown as Queue);
    } finally {
      await queue.close();
    }
  };
  return {
    queue: (namespace, more) => createBullmqQueue({ backend, namespace, log, ...more }),
    consumer: (namespace, more) => createBullmqConsumer({ backend, namespace, log, concurrency: 4, ...more }),
    addRaw: (namespace, jobId, data) =>
      withRaw(namespace, async (queue) => void (await queue.add("infer", data, { jobId }))),
    hasJob: (namespace, jobId) =>
      withRaw(namespace, async (queue) => (await queue.getJob(jobId)) !== undefined),
    close: async () => {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

queueConformance("PGlite", open, false);
