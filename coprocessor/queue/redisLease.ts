import { randomUUID } from "node:crypto";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import type { ProcessIdentity } from "../core/processIdentity.ts";
import type { Log } from "../observe/port.ts";
import { connectRedis } from "./redisConnection.ts";

export interface RedisLeaseOptions {
  url: string;
  /** What is leased; the same for everybody who must not run at once. */
  name: string;
  me: ProcessIdentity;
  /** Whether a holder on this host is gone; then its lease is taken over at once. */
  isGone(holder: ProcessIdentity): boolean;
  log: Log;
  /** Called once when another process holds the lease: whoever calls it must stop. */
  onLost(error: CoprocessorError): void;
  /**
   * Our lease of the store that the holders of this one share, when there is one: who had an earlier lease of that store has
   * lost this one too, and is not waited for.
   */
  hold?: StoreHold | null;
  /** Milliseconds that a lease outlives its last renewal; 15,000 when not given. */
  leaseMs?: number;
}

/** Which lease of which store a node has. */
export interface StoreHold {
  storeId: string;
  token: bigint;
}

const LEASE_MS = 15_000;
const POLL_MS = 250;

const holderSchema = z.object({
  host: z.string(),
  pid: z.int(),
  startTicks: z.string().nullable(),
  token: z.string(),
  since: z.string(),
  hold: z.object({ storeId: z.string(), token: z.string() }).nullable().default(null),
});
type Holder = z.output<typeof holderSchema>;

/** Sets the key for one who holds it, or who found it as it was; 1 when it did. */
const SET_IF = `
local now = redis.call("get", KEYS[1])
if now == false or now == ARGV[1] then
  redis.call("set", KEYS[1], ARGV[2], "px", ARGV[3])
  return 1
end
return 0`;
const DELETE_IF = `
if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end
return 0`;

/**
 * Takes a lease that a Redis server keeps and that is renewed every third of its time.
 *
 * A killed holder's lease is taken over at once on its own host or by who leases its store, and else after it ran out. A
 * server that was wiped is written to again.
 *
 * @throws CoprocessorError `node/already-running`, with the holder; what `createBullmqQueue` throws when it cannot connect.
 */
export async function takeRedisLease(options: RedisLeaseOptions): Promise<{ release(): Promise<void> }> {
  const { me, log, onLost, hold = null } = options;
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const redis = await connectRedis(options.url, log);
  const key = `{sibyl-lease}:${options.name}`;
  const mine = JSON.stringify({
    ...me,
    token: randomUUID(),
    since: new Date().toISOString(),
    hold: hold === null ? null : { storeId: hold.storeId, token: hold.token.toString() },
  });
  const setIf = async (found: string) => (await redis.main.eval(SET_IF, 1, key, found, mine, leaseMs)) === 1;

  try {
    await take();
  } catch (error) {
    redis.disconnect();
    throw error;
  }

  async function take(): Promise<void> {
    const giveUpAt = Date.now() + leaseMs + POLL_MS;
    while (!(await setIf(""))) {
      const found = await redis.main.get(key);
      if (found === null) continue;
      const holder = holderIn(found);
      const gone = holder === null || options.isGone(holder) || isOutranked(holder, hold);
      if (gone && (await setIf(found))) return;
      const isHere = holder?.host === me.host;
      if (!gone && (isHere || Date.now() > giveUpAt)) throw alreadyRunning(options, holder);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Released, or lost. */
  let over = false;
  const renewal = setInterval(async () => {
    try {
      if (over || (await setIf(mine))) return;
      // Asked before anything ends: if this fails, the next renewal finds the lease lost again.
      const holder = holderIn((await redis.main.get(key)) ?? "");
      if (over) return;
      over = true;
      clearInterval(renewal);
      onLost(alreadyRunning(options, holder));
    } catch (error) {
      log.debug({ lease: options.name, error: String(error) }, "the node's lease could not be renewed yet");
    }
  }, leaseMs / 3);
  renewal.unref();

  return {
    async release() {
      over = true;
      clearInterval(renewal);
      if (redis.main.status === "ready")
        await redis.main.eval(DELETE_IF, 1, key, mine).catch(() => undefined);
      redis.disconnect();
    },
  };
}

const isOutranked = ({ hold: theirs }: Holder, ours: StoreHold | null): boolean =>
  theirs !== null && ours !== null && theirs.storeId === ours.storeId && BigInt(theirs.token) < ours.token;

/** Null for something that no release of ours wrote. */
function holderIn(text: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function alreadyRunning({ name }: RedisLeaseOptions, holder: Holder | null): CoprocessorError {
  const who =
    holder === null ? "an unknown process" : `process ${holder.pid} on ${holder.host}, since ${holder.since}`;
  return new CoprocessorError(
    `a node with this attester key runs already: ${who}; two of them could sign two answers`,
    { code: "node/already-running", retry: "never", meta: { lease: name, holder } },
  );
}
