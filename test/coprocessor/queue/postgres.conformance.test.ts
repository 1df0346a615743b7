import { createPostgresBackend, type PgPool, Queue } from "bullmq";
import pg from "pg";
import { QUEUE_SCHEMA } from "../../../coprocessor/queue/bullmqBackend.ts";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { ensurePostgres, startPostgres } from "../../../scripts/services/postgres.ts";
import { collectedLog } from "../collectedLog.ts";
import { type QueueUnderTest, queueConformance } from "./conformance.ts";

const postgres = await ensurePostgres();

async function open(): Promise<QueueUnderTest> {
  if ("unavailable" in postgres) throw new Error(postgres.unavailable);
  const server = await startPostgres(postgres);
  const log = collectedLog();
  const backend = { type: "postgres-server" as const, url: server.url };
  const pool = new pg.Pool({ connectionString: server.url, options: `-c search_path=${QUEUE_SCHEMA}` });
  // The server is stopped right after its clients; a farewell that comes late is nobody's fault.
  pool.on("error", () => {});
  const withRaw = async <T>(namespace: string, use: (queue: Queue) => Promise<T>): Promise<T> => {
    const connection = pool as unknown as PgPool;
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
      await pool.end();
      await server.stop();
    },
  };
}

queueConformance("a Postgres server", open, "unavailable" in postgres ? postgres.unavailable : false);
