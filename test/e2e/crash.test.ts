import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inferenceOracleAbi } from "@sibyl/sdk";
import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Operator } from "../../scripts/network/operator.ts";
import { connected, type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { deployBoard, HAM, post, settled } from "./board.ts";
import { arm, CRASH_POINTS } from "./crashPoints.ts";
import { type HeardStatements, hearStatements } from "./heardStatements.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

/** On a machine with other work. */
const CRASH_TIMEOUT_MS = 60_000;

const teardown = new Teardown();
const crashFolder = mkdtempSync(join(tmpdir(), "sibyl-crash-"));
let network: Network;
let board: Address;
let heard: HeardStatements;

keepOnFailure(() => network);
beforeAll(async () => {
  teardown.add("crash folder", () => rmSync(crashFolder, { recursive: true, force: true }));
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  network = await startNetwork({
    teardown,
    command: ["--import", loader, join(import.meta.dirname, "crashingNode.ts")],
    env: { CRASH_FOLDER: crashFolder },
  });
  // All three are needed, so nothing settles without the one that died. A `tolerance` model has proposals.
  board = await deployBoard(network, { quorum: 3, lifetimeSeconds: 180 });
  heard = await hearStatements(network, teardown);
  await settled(network, await post(network, board, HAM));
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

test.each(CRASH_POINTS)(
  "settled: a node that is killed %s goes on, and signs nothing else",
  async (point) => {
    arm(crashFolder, point);
    const posted = await post(network, board, HAM);
    const victim = await until(
      `a node to die ${point}`,
      () => network.operators.find(({ process }) => process?.exit() === "SIGKILL"),
      { timeoutMs: CRASH_TIMEOUT_MS },
    );
    await restart(victim);
    const settlement = await settled(network, posted);
    expect(settlement.signers).toEqual([1, 2, 3]);
    await until(
      `${victim.name} to know that it is settled`,
      async () => ((await victim.explain(posted.requestId))?.state === "settled" ? true : null),
      { timeoutMs: CRASH_TIMEOUT_MS },
    );

    expect(await heard.book.equivocations()).toEqual([]);
    const own = (await heard.book.signed()).filter(
      ({ operatorId, requestId }) => operatorId === victim.operatorId && requestId === posted.requestId,
    );
    expect(own.filter(({ slot }) => slot === "commit")).toHaveLength(1);
    const events = await network.client.reader.getContractEvents({
      abi: inferenceOracleAbi,
      address: network.protocol.oracle,
      eventName: "RequestSettled",
      args: { requestId: posted.requestId },
      fromBlock: posted.receipt.blockNumber,
    });
    expect(events).toHaveLength(1);
  },
);

async function restart(operator: Operator): Promise<void> {
  operator.process = null;
  await operator.start();
  await connected(network.operators);
}
