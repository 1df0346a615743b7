import { Cluster, Redis } from "ioredis";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";
import { defineClaim } from "./claimScript.ts";
import { joinWrites } from "./joinWrites.ts";
import { parseRedisUrl, type RedisPlace } from "./redisUrl.ts";
import { leaveOutUnreadEvents } from "./unreadEvents.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RECONNECT_DELAY_MS = 2_000;
const REPEAT_COMPLAINT_MS = 30_000;

/** Redis' words for a missing or wrong password, and for a user that may not do what a queue does. */
const AUTH_FAILURE = /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username-password/i;

/** A connection that BullMQ works on, and the copies that it makes of it for blocking reads. */
export interface RedisConnections {
  readonly main: Redis | Cluster;
  /** Drops all of them at once; what still waits for the server fails. */
  disconnect(): void;
}

/**
 * Connects to Redis and waits until it is there: an outage, at start or later, is logged and waited out.
 *
 * @throws CoprocessorError `queue/bad-url`, `queue/auth-failed`, `queue/eviction-policy`, `queue/aborted`.
 */
export async function connectRedis(url: string, log: Log, signal?: AbortSignal): Promise<RedisConnections> {
  const place = parseRedisUrl(url);
  const { address } = place;
  const redis = place.kind === "cluster" ? clusterOf(place) : serverOf(place);
  reportOutages(redis, address, log);
  joinWrites(redis);
  leaveOutUnreadEvents(redis);
  defineClaim(redis);
  try {
    await untilReady(redis, address, signal);
    await refuseEviction(redis, address, log);
    return withCopies(redis);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

const retryDelayMs = (attempt: number): number => Math.min(50 * 2 ** attempt, MAX_RECONNECT_DELAY_MS);

function optionsOf({ tls, username, password }: RedisPlace) {
  return {
    lazyConnect: true,
    // Commands wait for the connection to come back, however long that takes.
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
}

function serverOf(place: RedisPlace): Redis {
  const options = { ...optionsOf(place), db: place.db, retryStrategy: retryDelayMs };
  if (place.kind === "standalone") return new Redis({ ...options, ...place.hosts[0] });
  return new Redis({
    ...options,
    sentinels: place.hosts,
    name: place.master,
    sentinelRetryStrategy: retryDelayMs,
    // A server that lost its rank while we were connected says READONLY; the sentinels know the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...(place.tls ? { enableTLSForSentinelMode: true } : {}),
  });
}

function clusterOf(place: RedisPlace): Cluster {
  const { lazyConnect, ...redisOptions } = optionsOf(place);
  return new Cluster(place.hosts, {
    lazyConnect: true,
    redisOptions,
    clusterRetryStrategy: retryDelayMs,
    // With TLS, nodes must be reached by the names in their certificates.
    ...(place.tls ? { dnsLookup: (name, callback) => callback(null, name) } : {}),
  });
}

function withCopies(main: Redis | Cluster): RedisConnections {
  const all: (Redis | Cluster)[] = [main];
  const duplicate = main.duplicate.bind(main) as (...options: never[]) => Redis | Cluster;
  main.duplicate = ((...options: never[]) => {
    const copy = duplicate(...options);
    all.push(copy);
    return copy;
  }) as typeof main.duplicate;
  return {
    main,
    disconnect() {
      for (const redis of all) redis.disconnect();
    },
  };
}

function reportOutages(redis: Redis | Cluster, address: string, log: Log): void {
  let since: number | null = null;
  let complainedAt = 0;
  redis.on("error", (error: Error) => {
    const now = Date.now();
    since ??= now;
    if (now - complainedAt < REPEAT_COMPLAINT_MS) return;
    complainedAt = now;
    log.warn(
      { address, error: describe(error), downMs: now - since },
      "the queue is unreachable; waiting for it",
    );
  });
  redis.on("ready", () => {
    if (since === null) return;
    log.info({ address, downMs: Date.now() - since }, "the queue is reachable again");
    since = null;
    complainedAt = 0;
  });
}

/** Connection errors of several addresses come as one error without a message. */
const describe = (error: Error): string =>
  error instanceof AggregateError
    ? error.errors.map((one) => (one as Error).message).join("; ")
    : error.message;

async function untilReady(
  redis: Redis | Cluster,
  address: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let stop = () => {};
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error) => {
      if (AUTH_FAILURE.test(error.message)) reject(authFailed(address, error));
    };
    const onAbort = () => {
      reject(
        new CoprocessorError("gave up waiting for the queue", { code: "queue/aborted", retry: "backoff" }),
      );
    };
    stop = () => {
      redis.off("ready", resolve);
      redis.off("error", onError);
      signal?.removeEventListener("abort", onAbort);
    };
    redis.once("ready", resolve);
    redis.on("error", onError);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    // A failed first attempt is followed by others; both ways it is an `error` event.
    redis.connect().catch((error: Error) => onError(error));
  }).finally(() => stop());
}

/** Under any other policy Redis drops jobs when memory runs out, and nobody is told. */
async function refuseEviction(redis: Redis | Cluster, address: string, log: Log): Promise<void> {
  const servers = redis instanceof Cluster ? redis.nodes("master") : [redis];
  for (const server of servers) {
    let info: string;
    try {
      info = await server.info("memory");
    } catch (error) {
      if (!AUTH_FAILURE.test((error as Error).message)) throw error;
      // Asking for the password is answered here too, when none was given.
      if (!/NOPERM/.test((error as Error).message)) throw authFailed(address, error);
      log.warn({ address }, "not allowed to read the queue's eviction policy; it must be noeviction");
      return;
    }
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined || policy === "noeviction") continue;
    throw new CoprocessorError(
      `Redis at ${address} evicts (maxmemory-policy ${policy}): jobs would be lost silently`,
      {
        code: "queue/eviction-policy",
        retry: "never",
        meta: { address, policy, required: "noeviction" },
      },
    );
  }
}

const authFailed = (address: string, cause: unknown): CoprocessorError =>
  new CoprocessorError(`Redis at ${address} refused user or password`, {
    code: "queue/auth-failed",
    retry: "never",
    meta: { address },
    cause,
  });
