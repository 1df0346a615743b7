import type { Cluster, Redis } from "ioredis";
import type { Hex } from "viem";
import type { PayloadShelf } from "./largePayload.ts";

/** Large payloads as keys of their own, which Redis forgets when their time is over. */
export function createRedisShelf(redis: Redis | Cluster, namespace: string): PayloadShelf {
  // Braces: on a cluster they live where their queue does.
  const keyOf = (name: string) => `{${namespace}}:payload:${name}`;
  return {
    async put(name, bytes, ttlMs) {
      await redis.set(keyOf(name), bytes, "PX", Math.ceil(ttlMs));
    },
    get: (name) => redis.get(keyOf(name)) as Promise<Hex | null>,
    async drop(names) {
      await redis.del(names.map(keyOf));
    },
  };
}
