import { rmSync } from "node:fs";
import { join } from "node:path";
import { encodeInput } from "@sibyl/sdk";
import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askBatch } from "../../scripts/network/askBatch.ts";
import { goldenInputs } from "../../scripts/network/goldenInputs.ts";
import type { ServedModel } from "../../scripts/network/serveModels.ts";
import { settledRequests } from "../../scripts/network/settledRequests.ts";
import { connected, type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { HAM } from "./board.ts";
import { type HeardStatements, hearStatements } from "./heardStatements.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const OPEN_REQUESTS = 50;
const LIFETIME_SECONDS = 300;
const REBUILT_MS = 30_000;
const LOOK = { timeoutMs: 120_000 };

const teardown = new Teardown();
/** Requests of the model whose outputs are the same bytes. */
const exactRequests = new Set<Hex>();
let network: Network;
let exact: ServedModel;
let heard: HeardStatements;

keepOnFailure(() => network);
beforeAll(async () => {
  network = await startNetwork({ teardown });
  exact = await network.addModel("iris");
  heard = await hearStatements(network, teardown, (requestId) => exactRequests.has(requestId as Hex));
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

test("settled: an operator that lost its database and queue takes part again within 30 s, and abstains where it may have signed", async () => {
  const [, , victim] = network.operators;
  if (victim === undefined) throw new Error("three operators expected");
  const requestIds = await ask(OPEN_REQUESTS / 2);
  await until(
    `${victim.name} to have committed to some`,
    () => (committedBy(victim.operatorId).size >= 3 ? true : null),
    { ...LOOK, everyMs: 10 },
  );
  await victim.kill();
  rmSync(join(victim.folder, "data"), { recursive: true });
  const openAtLoss = await openOf(requestIds);
  expect(openAtLoss.length).toBeGreaterThan(OPEN_REQUESTS / 2);

  const restartedAt = performance.now();
  await victim.start();
  await connected(network.operators);
  await until(
    "every request of the exact model to settle",
    async () => ((await openOf(openAtLoss.filter((id) => exactRequests.has(id)))).length === 0 ? true : null),
    LOOK,
  );
  const rebuiltMs = performance.now() - restartedAt;
  for (const requestId of await openOf(openAtLoss)) {
    const page = await until(
      `${victim.name} to abstain from ${requestId}`,
      async () => {
        const explanation = await victim.explain(requestId);
        return explanation?.state === "parked" ? explanation : null;
      },
      LOOK,
    );
    expect(page.reason).toMatch(
      /^memory\/too-young: opened in block \d+, before this node's memory begins at block \d+; it may have signed already$/,
    );
  }

  // What opens from now on it answers like everybody.
  const later = await ask(2);
  await until(
    "requests that opened later to settle",
    async () => ((await openOf(later)).length === 0 ? true : null),
    LOOK,
  );
  expect(await heard.book.equivocations()).toEqual([]);
  expect(rebuiltMs).toBeLessThan(REBUILT_MS);
});

/** Opens `count` requests of each kind, each of which needs all three operators. */
async function ask(count: number): Promise<Hex[]> {
  const { modelId } = network.model;
  const flowers = goldenInputs(exact);
  const places = Array.from({ length: count }, (_, place) => place);
  const questions = [
    ...places.map((place) => ({ modelId, input: encodeInput("text", `${HAM} ${place}`) })),
    ...places.map((place) => ({
      modelId: exact.modelId,
      input: flowers[place % flowers.length] as Hex,
    })),
  ];
  const policy = { committeeSize: 3, quorum: 3, challengeWindow: 0 };
  const opened = await askBatch(network, questions, { policy, lifetimeSeconds: LIFETIME_SECONDS });
  for (const { fields, requestId } of opened)
    if (fields.modelId === exact.modelId) exactRequests.add(requestId);
  return opened.map(({ requestId }) => requestId);
}

/** Which of these the chain has no answer to. */
async function openOf(requestIds: readonly Hex[]): Promise<Hex[]> {
  const settled = new Set(await settledRequests(network));
  return requestIds.filter((requestId) => !settled.has(requestId));
}

const committedBy = (operatorId: number): Set<Hex> =>
  new Set(
    heard.messages
      .filter((message) => message.kind === "commit" && message.operatorId === operatorId)
      .map(({ requestId }) => requestId),
  );
