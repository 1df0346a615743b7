import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { deployBoard, HAM, HELD, PUBLISHED, post, postStatus, SPAM, settled } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

/** Milliseconds, on a busy machine. */
const TIMEOUT_MS = 60_000;

const teardown = new Teardown();
let network: Network;
let board: Address;

keepOnFailure(() => network);
beforeAll(async () => {
  network = await startNetwork({ teardown, transport: "http" });
  board = await deployBoard(network, { quorum: 3 });
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

/** Each knows by their signed records whose peers the others are. */
const allProven = () =>
  Promise.all(
    network.operators.map((operator) =>
      until(
        `${operator.name} to know the others`,
        async () => {
          const { peerOperators, addresses } = await operator.status();
          const others = network.operators.filter((other) => other !== operator);
          const isAll = others.every(({ operatorId }) => peerOperators.includes(operatorId));
          return isAll ? { peerOperators, addresses } : null;
        },
        { timeoutMs: TIMEOUT_MS },
      ),
    ),
  );

test("settled over HTTP: three operators that post to each other agree, each knowing whom it hears", async () => {
  const told = await allProven();
  for (const [place, { addresses, peerOperators }] of told.entries()) {
    expect(addresses).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)]);
    expect(peerOperators).not.toContain(network.operators[place]?.operatorId);
  }
  const posts = [await post(network, board, SPAM), await post(network, board, HAM)];
  const settlements = await Promise.all(posts.map((posted) => settled(network, posted)));
  expect(settlements.map(({ label, signers }) => [label, signers])).toEqual([
    [1, [1, 2, 3]],
    [0, [1, 2, 3]],
  ]);
  expect(await Promise.all(posts.map((posted) => postStatus(network, board, posted)))).toEqual([
    HELD,
    PUBLISHED,
  ]);
});

test("killed: an operator that comes back is found again, and the next request settles with it", async () => {
  const [, killed] = network.operators;
  await killed?.kill();
  await killed?.start();
  await allProven();
  const settlement = await settled(network, await post(network, board, SPAM));
  expect([settlement.label, settlement.signers]).toEqual([1, [1, 2, 3]]);
});
