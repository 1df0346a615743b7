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
import pg from "pg";
import type { Log } from "../observe/port.ts";
import { createBullmqTracing } from "./bullmqTracing.ts";
import type { PayloadShelf } from "./largePayload.ts";
import { createPostgresShelf, SHELF_TABLE } from "./postgresShelf.ts";
import { queueError } from "./queueError.ts";
import { connectRedis, type RedisConnections } from "./redisConnection.ts";
import { createRedisShelf } from "./redisShelf.ts";

/** The schema of BullMQ's tables; its SQL is unqualified, so sessions need it as their search_path. */
export const QUEUE_SCHEMA = "bullmq";

/**
 * Where jobs are kept.
 *
 * `redis`           a server, a set of sentinels or a cluster that node and workers share
 * `postgres-server` a PostgreSQL server that they share
 * `postgres`        anything in the shape of node-postgres' pool whose sessions have `QUEUE_SCHEMA` as search_path; for
 *                   the embedded database, node and worker are one process
 */
export type QueueBackend =
  | { type: "redis"; url: string }
  | { type: "postgres-server"; url: string }
  | { type: "postgres"; pool: PgPoolLike };

/** What BullMQ uses of a pool. */
export type PgPoolLike = Omit<PgPool, "on" | "removeAllListeners" | "connect"> & {
  connect(): Promise<unknown>;
};

export interface BullmqOptions {
  backend: QueueBackend;
  /** Keeps several operators on one server apart. Letters, digits and dashes. */
  namespace?: string;
  /** What node and workers share to know each other's payloads; null or left out: they are believed. */
  secret?: string | null;
  log: Log;
  /** Gives up waiting for a server that is down at start. */
  signal?: AbortSignal;
  /** Whether jobs carry their request's trace, for a process that has an OpenTelemetry; not when left out. */
  traced?: boolean;
}

/** One end of the queue: makes BullMQ's objects on whichever backend, and closes what they share. */
export interface Bullmq {
  /** For large payloads; null where node and worker are one process. */
  readonly shelf: PayloadShelf | null;
  queue(capability: string): Queue;
  events(capability: string): QueueEvents;
  worker(capability: string, processor: Processor, options: Omit<WorkerOptions, "connection">): Worker;
  /** Runs `goodbye` and lets go of the server; one that has been gone for 2 s is not waited for. */
  close(goodbye: () => Promise<void>): Promise<void>;
}

/** Each end listens on one connection of its own beside these. */
const POOL_SIZE = 10;
const CONNECT_TIMEOUT_MS = 10_000;

/** How long closing waits for a server that is gone. */
const GONE_MS = 2_000;
const GONE_POLL_MS = 100;

/** Connects, and brings BullMQ's tables up to date on Postgres. */
export async function connectBullmq({
  backend,
  namespace = "sibyl",
  log,
  signal,
  traced = false,
}: BullmqOptions): Promise<Bullmq> {
  if (!/^[A-Za-z0-9-]+$/.test(namespace)) throw new Error(`not a queue namespace: ${namespace}`);
  const nameOf = (capability: string) => `${namespace}-${capability}`;
  const heard = <T extends { on(event: "error", listener: (error: Error) => void): unknown }>(part: T): T => {
    // Without a listener it would end the process. Outages are reported once, by the connection.
    part.on("error", (error) => log.debug({ error: error.message }, "queue error"));
    return part;
  };
  const telemetry = traced ? { telemetry: createBullmqTracing() } : {};
  if (backend.type === "redis") {
    const redis = await connectRedis(backend.url, log, signal);
    // Braces: a Redis Cluster keeps all keys of the queue on one node.
    const base = { connection: redis.main, prefix: `{${namespace}}`, ...telemetry };
    return {
      shelf: createRedisShelf(redis.main, namespace),
      queue: (capability) => heard(new Queue(nameOf(capability), base, createRedisBackend)),
      events: (capability) => heard(new QueueEvents(nameOf(capability), base, createRedisBackend)),
      worker: (capability, processor, options) =>
        heard(new Worker(nameOf(capability), processor, { ...options, ...base }, createRedisBackend)),
      close: (goodbye) => closeRedis(redis, goodbye),
    };
  }
  const server = backend.type === "postgres-server" ? connectQueueServer(backend.url, log) : null;
  const connection = (server ?? (backend as { pool: PgPoolLike }).pool) as unknown as PgPool;
  const base = { connection, ...telemetry };
  try {
    await migrate(base.connection);
    await server?.query(SHELF_TABLE);
  } catch (error) {
    await server?.end();
    throw error;
  }
  return {
    shelf: server === null ? null : createPostgresShelf(server, namespace),
    queue: (capability) =>
      heard(new Queue(nameOf(capability), base, createPostgresBackend) as unknown as Queue),
    events: (capability) =>
      heard(new QueueEvents(nameOf(capability), base, createPostgresBackend) as unknown as QueueEvents),
    worker: (capability, processor, options) =>
      heard(
        new Worker(
          nameOf(capability),
          processor,
          { ...options, ...base },
          createPostgresBackend,
        ) as unknown as Worker,
      ),
    // A pool that was handed in belongs to whoever made it.
    close: async (goodbye) => {
      await goodbye();
      await server?.end();
    },
  };
}

function connectQueueServer(url: string, log: Log): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    options: `-c search_path=${QUEUE_SCHEMA}`,
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: "sibyl queue",
  });
  // Each queue, worker and listener of BullMQ's listens for its errors.
  pool.setMaxListeners(0);
  // Without listeners a lost connection would end the process; it is replaced at the next query.
  pool.on("error", (error) => log.warn({ error: error.message }, "a connection to the queue was lost"));
  pool.on("connect", (client) => {
    client.on("error", (error) => log.debug({ error: error.message }, "a connection to the queue failed"));
  });
  return pool;
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
