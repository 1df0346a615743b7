import { Redis } from "ioredis";
import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { ensureRedis, startRedis } from "../../scripts/services/redis.ts";
import { deployBoard, HAM, post, postStatus, SPAM, settled } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const installation = await ensureRedis();
const teardown = new Teardown();
let redisUrl: string;
let network: Network;
let board: Address;

keepOnFailure(() => network);
beforeAll(async () => {
  if ("unavailable" in installation) return;
  const server = await startRedis(installation);
  teardown.add("Redis", () => server.stop());
  redisUrl = server.url;
  network = await startNetwork({ teardown, queueUrl: server.url });
  board = await deployBoard(network, { quorum: 3 });
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

const skipped = "unavailable" in installation ? installation.unavailable : null;

test.skipIf(skipped !== null)(
  `settled: with the queues on a real Redis${skipped === null ? "" : ` (skipped: ${skipped})`}`,
  async () => {
    const posts = [await post(network, board, SPAM), await post(network, board, HAM)];
    const settlements = await Promise.all(posts.map((posted) => settled(network, posted)));
    expect(settlements.map(({ label, signers }) => [label, signers])).toEqual([
      [1, [1, 2, 3]],
      [0, [1, 2, 3]],
    ]);
    expect(await Promise.all(posts.map((posted) => postStatus(network, board, posted)))).toEqual([3, 2]);

    // Each operator's jobs went through Redis, in names of its own.
    const redis = new Redis(redisUrl);
    try {
      const keys = await redis.keys("*");
      for (const { operatorId } of network.operators) {
        expect(keys.some((key) => key.includes(`${network.client.chain.id}-${operatorId}`))).toBe(true);
      }
      expect(await redis.info("commandstats")).toMatch(/cmdstat_evalsha:calls=\d+/);
    } finally {
      redis.disconnect();
    }
  },
);
