import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestExplanation } from "@sibyl/coprocessor";
import {
  encodeInput,
  inferenceOracleAbi,
  modelRegistryAbi,
  unpackModelTerms,
  unpackRequest,
} from "@sibyl/sdk";
import {
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionReturnType,
  type Hex,
  parseEther,
  parseEventLogs,
  parseGwei,
  zeroAddress,
} from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { author, operatorAttester, privateKeyOf } from "../../scripts/network/devAccounts.ts";
import { messageBoardAbi } from "../../scripts/network/messageBoardAbi.ts";
import type { Operator } from "../../scripts/network/operator.ts";
import { startOperatorProcess } from "../../scripts/network/operatorProcess.ts";
import { connected, type Network, startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";
import { deployBoard, HAM, HELD, type Posted, PUBLISHED, post, postStatus, SPAM, settled } from "./board.ts";
import { keepOnFailure } from "./keepOnFailure.ts";

const STATUS_TIMEOUT_MS = 30_000;

const teardown = new Teardown();
let network: Network;
let board: Address;

keepOnFailure(() => network);
beforeAll(async () => {
  network = await startNetwork({ teardown });
  board = await deployBoard(network, { quorum: 3 });
});
afterAll(async () => {
  await teardown.run();
  expect(teardown.failures).toEqual([]);
});

test("settled: three operators agree, the callback acts in the same transaction, and every wei is accounted for", async () => {
  const { client, protocol, model, operators } = network;
  const ids = operators.map(({ operatorId }) => operatorId);
  const earnings = () => Promise.all(ids.map((id) => read("earningsOf", [id, zeroAddress])));
  const [earnedBefore, sharesBefore, creditBefore] = [
    await earnings(),
    await read("sharesOf", [model.modelId, zeroAddress]),
    await read("creditOf", [board, zeroAddress]),
  ];

  const posted = await post(network, board, SPAM);
  const settlement = await settled(network, posted);

  expect(settlement.signers).toEqual([1, 2, 3]);
  const judged = parseEventLogs({ abi: messageBoardAbi, eventName: "Judged", logs: settlement.receipt.logs });
  expect(judged.map(({ args }) => [args.requestId, args.published])).toEqual([[posted.requestId, false]]);
  expect(await postStatus(network, board, posted)).toBe(HELD);
  expect(await read("verifyOutput", [posted.requestId, settlement.output])).toBe(true);

  const { fee, gasReserve } = unpackRequest(posted.request);
  expect(posted.paidWei).toBe(fee + gasReserve);
  const [earned, shares, credit] = [
    await earnings(),
    await read("sharesOf", [model.modelId, zeroAddress]),
    await read("creditOf", [board, zeroAddress]),
  ];
  const toOperators = earned.map((after, place) => after - (earnedBefore[place] ?? 0n));
  const toShares = shares[0] + shares[1] - sharesBefore[0] - sharesBefore[1];
  expect(toOperators.every((wei) => wei > 0n)).toBe(true);
  // Whoever submitted is repaid the gas beside its part of the fee; what the gas did not need is the board's credit.
  expect(settlement.gasPaid).toBeGreaterThan(0n);
  expect(toOperators.reduce((sum, wei) => sum + wei, toShares)).toBe(fee + settlement.gasPaid);
  expect(credit - creditBefore).toBe(gasReserve - settlement.gasPaid);

  const terms = await client.reader.readContract({
    abi: modelRegistryAbi,
    address: protocol.modelRegistry,
    functionName: "termsOf",
    args: [model.modelId],
  });
  expect(fee).toBe((unpackModelTerms(terms).pricePerExecution + unpackModelTerms(terms).pricePerKiB) * 3n);
});

test("settled: a ham is published, while other messages are open", async () => {
  const posts = [];
  for (const text of [HAM, SPAM, `${HAM} Thanks.`]) posts.push(await post(network, board, text));
  const settlements = await Promise.all(posts.map((posted) => settled(network, posted)));
  expect(settlements.map(({ label }) => label)).toEqual([0, 1, 0]);
  expect(await Promise.all(posts.map((posted) => postStatus(network, board, posted)))).toEqual([
    PUBLISHED,
    HELD,
    PUBLISHED,
  ]);
});

test("settled: an exact model's answer is its golden, byte for byte", async () => {
  const digits = await network.addModel("digits");
  const goldens = JSON.parse(readFileSync(join(digits.folder, "goldens.json"), "utf8")) as {
    cases: { input: Hex; output: Hex }[];
  };
  const [golden] = goldens.cases;
  if (golden === undefined) throw new Error("no goldens");
  const asked = await ask(digits.modelId, golden.input);
  const settlement = await settled(network, asked);
  expect(settlement.output).toBe(golden.output);
  expect(settlement.signers).toEqual([1, 2, 3]);
});

test("parked: an input that the model does not take gets a reason and no answer, and the others go on", async () => {
  const { model, operators } = network;
  const tooLong = encodeInput("text", "spam ".repeat(2_000));
  expect(model.manifest.input.maxBytes).toBeLessThan((tooLong.length - 2) / 2);
  const { requestId } = await ask(model.modelId, tooLong);
  for (const operator of operators) {
    const explanation = await parked(operator, requestId);
    expect(explanation.reason).toMatch(/^input\/too-large: \d+ bytes, the model takes 8192/);
  }
  expect((await settled(network, await post(network, board, HAM))).signers).toEqual([1, 2, 3]);
});

/** Asks the oracle without a contract: the author's account is the consumer. */
async function ask(modelId: Hex, input: Hex): Promise<Posted> {
  const { client, protocol } = network;
  const paidWei = parseEther("0.1");
  const deadline = Number((await client.reader.getBlock()).timestamp) + 60;
  const hash = await client.as(author()).writeContract({
    abi: inferenceOracleAbi,
    address: protocol.oracle,
    functionName: "request",
    args: [
      {
        modelId,
        input,
        policy: { committeeSize: 3, quorum: 3, challengeWindow: 0 },
        callbackGasLimit: 50_000n,
        deadline,
        maxGasPrice: parseGwei("20"),
        maxFee: parseEther("1"),
      },
    ],
    value: paidWei,
  });
  const receipt = await client.mined(hash, "request");
  const [opened] = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestOpened",
    logs: receipt.logs,
  });
  if (opened === undefined) throw new Error(`no request in ${hash}`);
  return { requestId: opened.args.requestId, request: opened.args.request, paidWei, receipt };
}

test("parked: an operator whose model file has one byte changed stands aside, and the other two settle", async () => {
  const [, , third] = network.operators;
  if (third === undefined) throw new Error("three operators expected");
  const boardOfTwo = await deployBoard(network, { quorum: 2 });
  await third.stop();
  const copy = join(third.modelFolder, "spam-text");
  cpSync(network.model.folder, copy, { recursive: true });
  const file = join(copy, network.model.manifest.entry);
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  await third.start();
  await connected(network.operators);

  expect((await settled(network, await post(network, boardOfTwo, SPAM))).signers).toEqual([1, 2]);
  // Where all three are needed nobody answers for it, so its own page is what tells.
  const unanswered = await post(network, board, SPAM);
  expect((await parked(third, unanswered.requestId)).reason).toMatch(
    /^model\/hash-mismatch: model\.onnx .*sha256 [0-9a-f]{64} expected, sha256 [0-9a-f]{64} found/,
  );
  const [first] = network.operators;
  await until(
    "operator 1 to miss operator 3 alone",
    async () => {
      const page = await first?.explain(unanswered.requestId);
      return page?.reason === "commitments: 2 of 3; nothing from operator 3" ? page : null;
    },
    { timeoutMs: STATUS_TIMEOUT_MS },
  );

  // Healed, it is one of three again.
  await third.stop();
  rmSync(copy, { recursive: true });
  await third.start();
  await connected(network.operators);
  expect((await settled(network, await post(network, board, HAM))).signers).toEqual([1, 2, 3]);
});

async function parked(operator: Operator, requestId: Hex): Promise<RequestExplanation> {
  return until(
    `${operator.name} to park ${requestId}`,
    async () => {
      const page = await operator.explain(requestId);
      return page?.state === "parked" ? page : null;
    },
    { timeoutMs: STATUS_TIMEOUT_MS },
  );
}

test("refused: a second node on a port that is taken ends with a named error, and disturbs nobody", async () => {
  const { client, protocol, operators, folder } = network;
  const port = new URL(operators[0]?.process?.statusUrl ?? "").port;
  const start = startOperatorProcess({
    name: "a second node",
    folder: join(folder, "second"),
    env: {
      RPC_URL: client.rpcUrl,
      ORACLE_ADDRESS: protocol.oracle,
      ATTESTER_KEY: privateKeyOf(operatorAttester(0)),
      DATA_DIR: join(folder, "second", "data"),
      P2P_LISTEN: "127.0.0.1:0",
      STATUS_LISTEN: `127.0.0.1:${port}`,
    },
    teardown,
  });
  await expect(start).rejects.toThrow(
    /ended \(1\)[\s\S]*status\/port-in-use: .*127\.0\.0\.1:\d+: the port is in use/,
  );
  expect((await settled(network, await post(network, board, HAM))).signers).toEqual([1, 2, 3]);
});

/** Reads the oracle. */
const read: ReadOracle = (functionName, args) =>
  network.client.reader.readContract({
    abi: inferenceOracleAbi,
    address: network.protocol.oracle,
    functionName,
    args,
  } as never) as never;

type View = "earningsOf" | "sharesOf" | "creditOf" | "verifyOutput";
type ReadOracle = <Name extends View>(
  functionName: Name,
  args: ContractFunctionArgs<typeof inferenceOracleAbi, "view", Name>,
) => Promise<ContractFunctionReturnType<typeof inferenceOracleAbi, "view", Name>>;
