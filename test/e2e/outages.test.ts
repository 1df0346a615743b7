import { inferenceOracleAbi, unpackFunds } from "@sibyl/sdk";
import { type Address, parseEventLogs } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { author } from "../../scripts/network/devAccounts.ts";
import { messageBoardAbi } from "../../scripts/network/messageBoardAbi.ts";
import type { Operator } from "../../scripts/network/operator.ts";
import { connected, type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { deployBoard, EXPIRED, HAM, HELD, overdue, post, postStatus, SPAM, settled } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const teardown = new Teardown();
let network: Network;
let victim: Operator;
let boardOfThree: Address;

keepOnFailure(() => network);
beforeAll(async () => {
  network = await startNetwork({ teardown });
  const third = network.operators[2];
  if (third === undefined) throw new Error("three operators expected");
  victim = third;
  boardOfThree = await deployBoard(network, { quorum: 3 });
  // Nothing is cold any more when the first one dies.
  await settled(network, await post(network, boardOfThree, HAM));
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

test("settled: with one of three killed, a quorum of two answers", async () => {
  await victim.kill();
  const board = await deployBoard(network, { quorum: 2 });
  const posts = [await post(network, board, SPAM), await post(network, board, HAM)];
  for (const posted of posts) expect((await settled(network, posted)).signers).toEqual([1, 2]);
  expect(await postStatus(network, board, posts[0] as (typeof posts)[0])).toBe(HELD);
});

test("expired: with one of three killed, a quorum of three is refunded to the wei, and the status says why", async () => {
  const { client, protocol, operators } = network;
  const board = await deployBoard(network, { quorum: 3, lifetimeSeconds: 10 });
  const posted = await post(network, board, SPAM);
  await overdue(network, posted);
  const reason = `deadline passed while waiting for commitments: 2 of 3; nothing from operator ${victim.operatorId}`;
  for (const operator of operators.filter((one) => one !== victim)) {
    const page = await until(
      `${operator.name} to call ${posted.requestId} expired`,
      async () => {
        const explanation = await operator.explain(posted.requestId);
        return explanation?.state === "expired" ? explanation : null;
      },
      { timeoutMs: 20_000 },
    );
    expect(page.reason).toBe(reason);
    expect(
      page.seats
        .filter(({ committed }) => committed)
        .map(({ operatorId }) => operatorId)
        .sort(),
    ).toEqual([1, 2]);
    expect(page.seats.some(({ revealed }) => revealed)).toBe(false);
  }

  const wallet = client.as(author());
  const expiry = await client.mined(
    await wallet.writeContract({
      abi: inferenceOracleAbi,
      address: protocol.oracle,
      functionName: "expire",
      args: [posted.request],
    }),
    "expire",
  );
  const [expired] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestExpired",
    logs: expiry.logs,
  });
  expect(expired?.args.requestId).toBe(posted.requestId);
  const refunded = unpackFunds(expired?.args.refunded ?? 0n);
  expect(refunded.fee + refunded.gasReserve).toBe(posted.paidWei);
  expect(await postStatus(network, board, posted)).toBe(EXPIRED);

  const { address } = author();
  const before = await client.reader.getBalance({ address });
  const claim = await client.mined(
    await wallet.writeContract({ abi: messageBoardAbi, address: board, functionName: "claimRefund" }),
    "claimRefund",
  );
  const after = await client.reader.getBalance({ address });
  expect(after - before + claim.gasUsed * claim.effectiveGasPrice).toBe(posted.paidWei);
});

test("settled: an operator killed in mid-run takes part again on the data that it left behind", async () => {
  // Asked while it is away, and answerable only with it.
  const asked = await post(network, boardOfThree, SPAM);
  await victim.start();
  await connected(network.operators);
  expect((await settled(network, asked)).signers).toEqual([1, 2, 3]);
  expect((await settled(network, await post(network, boardOfThree, HAM))).signers).toEqual([1, 2, 3]);
});

test("settled: an operator killed while it works on a request finishes it after a restart", async () => {
  const asked = await post(network, boardOfThree, SPAM);
  await victim.kill();
  await victim.start();
  await connected(network.operators);
  expect((await settled(network, asked)).signers).toEqual([1, 2, 3]);
});
