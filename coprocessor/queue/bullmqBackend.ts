import {
  createPostgresBackend,
  createRedisBackend,
  type PgPool,
  type Processor,
  Queue,
  QueueEvents,
  runMigrations,
  Worker,
  type WorkerOptions,
} from "bullmq";
import type { Log } from "../observe/port.ts";
import { queueError } from "./queueError.ts";
import { connectRedis, type RedisConnections } from "./redisConnection.ts";

/** The schema of BullMQ's tables; its SQL is unqualified, so sessions need it as their search_path. */
export const QUEUE_SCHEMA = "bullmq";

/**
 * Where jobs are kept.
 *
 * `redis`    a server that node and workers share
 * `postgres` anything in the shape of node-postgres' pool whose sessions have `QUEUE_SCHEMA` as search_path; for the
 *            embedded database, node and worker are one process
 */
export type QueueBackend = { type: "redis"; url: string } | { type: "postgres"; pool: PgPoolLike };

/** What BullMQ uses of a pool. */
export type PgPoolLike = Omit<PgPool, "on" | "removeAllListeners" | "connect"> & {
  connect(): Promise<unknown>;
};

export interface BullmqOptions {
  backend: QueueBackend;
  /** Keeps several operators on one server apart. Letters, digits and dashes. */
  namespace?: string;
  log: Log;
  /** Gives up waiting for a server that is down at start. */
  signal?: AbortSignal;
}

/** One end of the queue: makes BullMQ's objects on whichever backend, and closes what they share. */
export interface Bullmq {
  queue(): Queue;
  events(): QueueEvents;
  worker(processor: Processor, options: Omit<WorkerOptions, "connection">): Worker;
  /** Runs `goodbye` and lets go of the server; one that has been gone for 2 s is not waited for. */
  close(goodbye: () => Promise<void>): Promise<void>;
}

/** How long closing waits for a server that is gone. */
const GONE_MS = 2_000;
const GONE_POLL_MS = 100;

/** Connects, and brings BullMQ's tables up to date on Postgres. */
export async function connectBullmq({
  backend,
  namespace = "sibyl",
  log,
  signal,
}: BullmqOptions): Promise<Bullmq> {
  if (!/^[A-Za-z0-9-]+$/.test(namespace)) throw new Error(`not a queue namespace: ${namespace}`);
  const name = `${namespace}-inference`;
  const heard = <T extends { on(event: "error", listener: (error: Error) => void): unknown }>(part: T): T => {
    // Without a listener it would end the process. Outages are reported once, by the connection.
    part.on("error", (error) => log.debug({ error: error.message }, "queue error"));
    return part;
  };
  if (backend.type === "redis") {
    const redis = await connectRedis(backend.url, log, signal);
    // Braces: a Redis Cluster keeps all keys of the queue on one node.
    const base = { connection: redis.main, prefix: `{${namespace}}` };
    return {
      queue: () => heard(new Queue(name, base, createRedisBackend)),
      events: () => heard(new QueueEvents(name, base, createRedisBackend)),
      worker: (processor, options) =>
        heard(new Worker(name, processor, { ...options, ...base }, createRedisBackend)),
      close: (goodbye) => closeRedis(redis, goodbye),
    };
  }
  const base = { connection: backend.pool as unknown as PgPool };
  await migrate(base.connection);
  return {
    queue: () => heard(new Queue(name, base, createPostgresBackend) as unknown as Queue),
    events: () => heard(new QueueEvents(name, base, createPostgresBackend) as unknown as QueueEvents),
    worker: (processor, options) =>
      heard(new Worker(name, processor, { ...options, ...base }, createPostgresBackend) as unknown as Worker),
    // The pool belongs to whoever made it.
    close: (goodbye) => goodbye(),
  };
}

async function closeRedis(redis: RedisConnections, goodbye: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<void>((resolve) => {
    let seenAt = performance.now();
    timer = setInterval(() => {
      if (redis.main.status === "ready") seenAt = performance.now();
      else if (performance.now() - seenAt > GONE_MS) resolve();
    }, GONE_POLL_MS);
  });
  const parted = goodbye();
  try {
    await Promise.race([parted, gone]);
  } finally {
    clearInterval(timer);
    // What a goodbye to nobody still waits for fails now, and nobody needs to know.
    parted.catch(() => {});
    redis.disconnect();
  }
}

async function migrate(pool: PgPool): Promise<void> {
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client, QUEUE_SCHEMA);
    } finally {
      client.release();
    }
  } catch (error) {
    throw queueError(error, "open");
  }
}
