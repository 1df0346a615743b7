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
import { type ClaimingOptions, ClaimingWorker } from "./claimingWorker.ts";
import { EndedJobs } from "./endedJobs.ts";
import type { JobEndings } from "./jobEndings.ts";
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
 *                   the embedded database, where node and worker are one process and share `endings`
 */
export type QueueBackend =
  | { type: "redis"; url: string }
  | { type: "postgres-server"; url: string }
  | { type: "postgres"; pool: PgPoolLike; endings: JobEndings };

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
  /** Removes one of a queue's jobs if it has ended, for less than BullMQ takes. Null where BullMQ's own removal is all there is. */
  readonly forgetEnded: ((capability: string, key: string) => Promise<boolean>) | null;
  /** Calls back for each job that ended, as far as that is heard of. @param ended `returned` is undefined for one that failed. */
  listen(capability: string, ended: (key: string, returned: unknown) => void): { close(): Promise<void> };
  worker(
    capability: string,
    processor: Processor,
    options: Omit<WorkerOptions, "connection"> & ClaimingOptions,
  ): Worker;
  /** Runs `goodbye` and lets go of the server; one that has been gone for 2 s is not waited for. */
  close(goodbye: () => Promise<void>): Promise<void>;
}

/**
 * What BullMQ's functions do for the sake of other sessions, which an embedded database does not have: a fifth of what they take.
 *
 * Where `JobEndings` tells what happens, nobody reads BullMQ's events; nobody else finishes or adds, so there is nobody to lock
 * out; and the one session's search_path is always ours, so no function has to set it. Migrations may bring all of it back, so
 * this follows them at each start.
 */
const ONE_SESSION = `
create or replace function publish_event(p_queue text, p_event text, p_data jsonb) returns bigint
  language sql as 'select 0::bigint';
delete from event;
create or replace function lock_finalization_queues(p_queue text, p_id text) returns void language sql as 'select';
create or replace function lock_producer_queues(p_entries jsonb) returns void language sql as 'select';
do $$
declare
  own record;
begin
  for own in
    select oid::regprocedure as name from pg_proc
    where pronamespace = '${QUEUE_SCHEMA}'::regnamespace and proconfig is not null
  loop
    execute format('alter function %s reset search_path', own.name);
  end loop;
end
$$;
`;

/** Ends of jobs, with what their workers returned, that Redis keeps for a node that hears of them late; the sweep finds others. */
const MAX_EVENTS = 2_000;

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
    const prefix = `{${namespace}}`;
    const base = { connection: redis.main, prefix, ...telemetry };
    const ended = new Map<string, EndedJobs>();
    const endedOf = (capability: string) => {
      const known = ended.get(capability) ?? new EndedJobs(redis.main, `${prefix}:${nameOf(capability)}:`);
      ended.set(capability, known);
      return known;
    };
    return {
      shelf: createRedisShelf(redis.main, namespace),
      queue: (capability) =>
        heard(
          new Queue(
            nameOf(capability),
            { ...base, streams: { events: { maxLen: MAX_EVENTS } } },
            createRedisBackend,
          ),
        ),
      forgetEnded: (capability, key) => endedOf(capability).forget(key),
      listen: (capability, ended) =>
        hearEnds(heard(new QueueEvents(nameOf(capability), base, createRedisBackend)), ended),
      worker: (capability, processor, options) =>
        heard(new ClaimingWorker(nameOf(capability), processor, { ...options, ...base })),
      close: (goodbye) => closeRedis(redis, goodbye),
    };
  }
  const server = backend.type === "postgres-server" ? connectQueueServer(backend.url, log) : null;
  const endings = backend.type === "postgres" ? backend.endings : null;
  const connection = (backend.type === "postgres" ? backend.pool : server) as unknown as PgPool;
  const base = { connection, ...telemetry };
  try {
    await migrate(base.connection, endings === null ? null : ONE_SESSION);
    await server?.query(SHELF_TABLE);
  } catch (error) {
    await server?.end();
    throw error;
  }
  return {
    shelf: server === null ? null : createPostgresShelf(server, namespace),
    forgetEnded: null,
    queue: (capability) =>
      heard(new Queue(nameOf(capability), base, createPostgresBackend) as unknown as Queue),
    listen(capability, ended) {
      if (endings === null)
        return hearEnds(
          heard(new QueueEvents(nameOf(capability), base, createPostgresBackend) as unknown as QueueEvents),
          ended,
        );
      const stop = endings.listen(nameOf(capability), ended);
      return { close: async () => stop() };
    },
    worker(capability, processor, { areShort: _, ...options }) {
      const name = nameOf(capability);
      const worker = heard(
        new Worker(name, processor, { ...options, ...base }, createPostgresBackend),
      ) as unknown as Worker;
      if (endings !== null) tellEnds(worker, (key, returned) => endings.tell(name, key, returned));
      return worker;
    },
    // A pool that was handed in belongs to whoever made it.
    close: async (goodbye) => {
      await goodbye();
      await server?.end();
    },
  };
}

type Ended = (key: string, returned: unknown) => void;

function hearEnds(events: QueueEvents, ended: Ended): { close(): Promise<void> } {
  events.on("completed", ({ jobId, returnvalue }) => ended(jobId, returnvalue));
  events.on("failed", ({ jobId }) => ended(jobId, undefined));
  return events;
}

function tellEnds(worker: Worker, ended: Ended): void {
  worker.on("completed", (job, returned) => ended(job.id as string, returned));
  worker.on("failed", (job) => {
    // One that is tried again has not ended.
    if (job?.finishedOn !== undefined) ended(job.id as string, undefined);
  });
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

/** @param more What is run after them; null for nothing. */
async function migrate(pool: PgPool, more: string | null): Promise<void> {
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client, QUEUE_SCHEMA);
      if (more !== null) await client.query(more);
    } finally {
      client.release();
    }
  } catch (error) {
    throw queueError(error, "open");
  }
}
