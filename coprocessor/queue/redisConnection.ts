import { Redis } from "ioredis";
import { CoprocessorError } from "../core/errors.ts";
import type { Log } from "../observe/port.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RECONNECT_DELAY_MS = 2_000;
const REPEAT_COMPLAINT_MS = 30_000;

/** Redis' words for a missing or wrong password, and for a user that may not do what a queue does. */
const AUTH_FAILURE = /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username-password/i;

/** A connection that BullMQ works on, and the copies that it makes of it for blocking reads. */
export interface RedisConnections {
  readonly main: Redis;
  /** Drops all of them at once; what still waits for the server fails. */
  disconnect(): void;
}

/**
 * Connects to Redis and waits until it is there: an outage, at start or later, is logged and waited out.
 *
 * @throws CoprocessorError `queue/bad-url`, `queue/auth-failed`, `queue/eviction-policy`, `queue/aborted`.
 */
export async function connectRedis(url: string, log: Log, signal?: AbortSignal): Promise<RedisConnections> {
  const address = checkUrl(url);
  const redis = new Redis(url, {
    lazyConnect: true,
    // Commands wait for the connection to come back, however long that takes.
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, MAX_RECONNECT_DELAY_MS),
  });
  reportOutages(redis, address, log);
  try {
    await untilReady(redis, address, signal);
    await refuseEviction(redis, address, log);
    return withCopies(redis);
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

function withCopies(main: Redis): RedisConnections {
  const all = [main];
  const { duplicate } = main;
  main.duplicate = (...options) => {
    const copy = duplicate.apply(main, options);
    all.push(copy);
    return copy;
  };
  return {
    main,
    disconnect() {
      for (const redis of all) redis.disconnect();
    },
  };
}

/** @returns The address without the password, for logs. */
function checkUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !["redis:", "rediss:"].includes(parsed.protocol) || parsed.hostname === "") {
    throw new CoprocessorError(
      "the queue's URL must be redis://[user:password@]host[:port][/db] or rediss://…",
      {
        code: "queue/bad-url",
        retry: "never",
      },
    );
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

function reportOutages(redis: Redis, address: string, log: Log): void {
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

async function untilReady(redis: Redis, address: string, signal: AbortSignal | undefined): Promise<void> {
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
async function refuseEviction(redis: Redis, address: string, log: Log): Promise<void> {
  let info: string;
  try {
    info = await redis.info("memory");
  } catch (error) {
    if (!AUTH_FAILURE.test((error as Error).message)) throw error;
    // Asking for the password is answered here too, when none was given.
    if (!/NOPERM/.test((error as Error).message)) throw authFailed(address, error);
    log.warn({ address }, "not allowed to read the queue's eviction policy; it must be noeviction");
    return;
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === "noeviction") return;
  throw new CoprocessorError(
    `Redis at ${address} evicts (maxmemory-policy ${policy}): jobs would be lost silently`,
    {
      code: "queue/eviction-policy",
      retry: "never",
      meta: { address, policy, required: "noeviction" },
    },
  );
}

const authFailed = (address: string, cause: unknown): CoprocessorError =>
  new CoprocessorError(`Redis at ${address} refused user or password`, {
    code: "queue/auth-failed",
    retry: "never",
    meta: { address },
    cause,
  });
