import type { Cluster, Redis } from "ioredis";
import type { RequestKey } from "../core/request.ts";

/**
 * Forgets jobs that have ended. A job of ours has nothing but its own key: neither children nor a log of its own.
 *
 * KEYS: the jobs that succeeded, those that failed, then each job's own. ARGV: the jobs' names. Answers 1 for each that is gone.
 */
const FORGET = `
local gone = {}
for at, name in ipairs(ARGV) do
  gone[at] = 0
  if redis.call("ZREM", KEYS[1], name) == 1 or redis.call("ZREM", KEYS[2], name) == 1 then
    redis.call("DEL", KEYS[at + 2])
    gone[at] = 1
  end
end
return gone`;

interface Removal {
  key: RequestKey;
  resolve(isGone: boolean): void;
  reject(error: unknown): void;
}

/**
 * Removes ended jobs from a BullMQ queue on Redis, those of one turn of the event loop with one command.
 *
 * BullMQ's own removal looks for a job in every state that it could be in, and for parents, children and a scheduler: a
 * dozen commands inside Redis. Nearly all that a node removes has just ended, which it heard.
 */
export class EndedJobs {
  readonly #redis: Redis | Cluster;
  /** Of all of the queue's keys, with the colon at its end. */
  readonly #prefix: string;
  #together: Removal[] = [];

  constructor(redis: Redis | Cluster, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /** @returns False when it has not ended, or is not there: it is left as it is. */
  forget(key: RequestKey): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#together.push({ key, resolve, reject });
      if (this.#together.length === 1) setImmediate(() => void this.#send());
    });
  }

  async #send(): Promise<void> {
    const removals = this.#together;
    this.#together = [];
    const names = removals.map(({ key }) => key);
    const keys = ["completed", "failed", ...names].map((name) => this.#prefix + name);
    try {
      const gone = (await this.#redis.eval(FORGET, keys.length, ...keys, ...names)) as number[];
      for (const [at, { resolve }] of removals.entries()) resolve(gone[at] === 1);
    } catch (error) {
      for (const { reject } of removals) reject(error);
    }
  }
}
