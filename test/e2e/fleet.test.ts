import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Teardown } from "../../scripts/network/teardown.ts";
import { deployBoard, HAM, post, SPAM, settled } from "./board.ts";
import { type FleetNetwork, startFleetNetwork, unavailable } from "./fleetNetwork.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const SECRET = "shared by the node and its workers only";
const DEATHS = 2;

const skipped = unavailable;
const teardown = new Teardown();
let fleet: FleetNetwork;
let board: Address;

keepOnFailure(() => fleet?.network);
beforeAll(async () => {
  if (skipped !== null) return;
  fleet = await startFleetNetwork(teardown, { QUEUE_SECRET: SECRET });
  board = await deployBoard(fleet.network, { committeeSize: 1, quorum: 1 });
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

const startWorker = (secret = SECRET) => fleet.startWorker({ QUEUE_SECRET: secret });

test.skipIf(skipped !== null)(
  `fleet: one node without a model runtime, three workers, kill -9 of them under load${skipped === null ? "" : ` (skipped: ${skipped})`}`,
  async () => {
    const workers = await Promise.all([startWorker(), startWorker(), startWorker()]);
    const texts = Array.from({ length: 8 }, (_, index) => `${index % 2 === 0 ? SPAM : HAM} (${index})`);
    const answered = [];
    for (let death = 0; death < DEATHS; death++) {
      const posts = [];
      for (const text of texts) posts.push(await post(fleet.network, board, text));
      await workers[death]?.kill();
      answered.push(...(await Promise.all(posts.map((posted) => settled(fleet.network, posted)))));
    }
    expect(answered).toHaveLength(texts.length * DEATHS);
    expect(new Set(answered.map(({ transaction }) => transaction)).size).toBe(answered.length);
    expect(answered.map(({ label }) => label)).toEqual(answered.map((_, index) => (index % 2 === 0 ? 1 : 0)));
    expect(await workers.at(-1)?.stop()).toBe(0);
  },
  120_000,
);

test.skipIf(skipped !== null)(
  `fleet: a worker without the node's secret answers nothing${skipped === null ? "" : ` (skipped: ${skipped})`}`,
  async () => {
    const stranger = await startWorker("a secret that somebody else made up");
    const posted = await post(fleet.network, board, HAM);
    const reason = async () => (await fleet.node.explain(posted.requestId))?.reason ?? null;
    await expect.poll(reason, { timeout: 30_000 }).toContain("queue/bad-seal");
    expect(await stranger.stop()).toBe(0);
  },
  60_000,
);
