import {
  CallRevertedError,
  decodeOutput,
  drawnFromRound,
  drawSeed,
  drawTicket,
  encodeInput,
  encodeOutput,
  explainReason,
  explainRevert,
  inferenceActions,
  modelRegistryAbi,
  NoAccountError,
  NoOracleError,
  type OpenedRequest,
  openedRequests,
  operatorRegistryAbi,
  packRequest,
  RequestNotFoundError,
  requestId,
  unpackEnrolment,
  unpackModelTerms,
  WAD,
  WaitForResultTimeoutError,
} from "@sibyl/sdk";
import { createPublicClient, custom, type Hex, isAddressEqual, keccak256, stringToHex, zeroHash } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { author, publisher } from "../../scripts/network/devAccounts.ts";
import { OPERATORS, type OracleNetwork, PRICE, startOracleNetwork } from "./oracleNetwork.ts";

const MODEL_ID = keccak256(stringToHex("a model"));
const POLICY = { committeeSize: 3, quorum: 2, challengeWindow: 0 };
const INPUT = encodeInput("text", "Is this spam?");
const OUTPUT = encodeOutput("classification", { label: 1, confidence: (WAD * 9n) / 10n });
const GAS = { callbackGasLimit: 100_000, maxGasPrice: 10n ** 10n };
/** PUSH4 TokenListFull() PUSH1 0xe0 SHL PUSH0 MSTORE PUSH1 4 PUSH0 REVERT */
const REVERTING_CODE =
  `0x63${keccak256(stringToHex("TokenListFull()")).slice(2, 10)}60e01b5f5260045ffd` as const;

let network: OracleNetwork;
let sibyl: ReturnType<typeof actions>;

// The compiler may have to run first.
beforeAll(async () => {
  network = await startOracleNetwork(MODEL_ID);
  sibyl = actions();
}, 240_000);
afterAll(() => network?.stop());

const actions = () => network.client.as(author()).extend(inferenceActions(network));
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail("did not throw"),
    (error: unknown) => error,
  );

async function deadlineIn(seconds: number): Promise<number> {
  const { timestamp } = await network.client.reader.getBlock();
  return Number(timestamp) + seconds;
}

async function ask(lifetimeSeconds = 600): Promise<OpenedRequest> {
  const deadline = await deadlineIn(lifetimeSeconds);
  const { transactionHash } = await sibyl.requestInference({
    modelId: MODEL_ID,
    input: INPUT,
    policy: POLICY,
    ...GAS,
    deadline,
  });
  const { logs } = await network.client.mined(transactionHash, "request");
  const [opened] = openedRequests(logs, network.oracle);
  if (!opened) throw new Error("no RequestOpened in the receipt");
  return opened;
}

describe("asking", () => {
  test("quote: itemises what the registry's terms say", async () => {
    const terms = unpackModelTerms(
      await network.client.reader.readContract({
        abi: modelRegistryAbi,
        address: network.modelRegistry,
        functionName: "termsOf",
        args: [MODEL_ID],
      }),
    );
    expect(terms).toEqual({
      pricePerExecution: PRICE.perExecution,
      pricePerKiB: PRICE.perKiB,
      royaltyBps: 500,
      tokenIndex: 0,
      status: "active",
    });
    const cost = await sibyl.quote({ modelId: MODEL_ID, inputSize: 1_025, policy: POLICY, ...GAS });
    expect(cost.executions).toBe(2n * PRICE.perExecution);
    expect(cost.fee).toBe(cost.executions + cost.inputSurcharge);
    expect(cost.royalty).toBe((cost.fee * 500n) / 10_000n);
    expect(cost.nativeTotal).toBe(cost.fee + cost.gasReserve);
  });

  test("request: the log unpacks to what was asked, and its id is the hash of its words", async () => {
    const opened = await ask();
    const { fields } = opened;
    expect(isAddressEqual(fields.consumer, author().address)).toBe(true);
    expect(fields).toMatchObject({
      modelId: MODEL_ID,
      inputHash: keccak256(INPUT),
      committeeSize: 3,
      quorum: 2,
    });
    expect(fields).toMatchObject({ openedBlock: opened.blockNumber, overdrawBps: 15_000, roundSeconds: 5 });
    expect(fields.totalWeight).toBe(BigInt(OPERATORS) * 1_000_000n);
    expect(requestId(opened.words)).toBe(opened.requestId);
    expect(packRequest(fields)).toEqual(opened.words);
    expect(await sibyl.getRequest({ requestId: opened.requestId })).toEqual(opened);
    expect(await sibyl.getRequestStatus({ requestId: opened.requestId })).toBe("open");
  });

  test("draw: three equal seats of three with overdraw are drawn at once", async () => {
    const { fields, requestId: id } = await ask();
    const { hash } = await network.client.reader.getBlock({ blockNumber: fields.openedBlock });
    for (let operatorId = 1; operatorId <= OPERATORS; operatorId++) {
      const word = await network.client.reader.readContract({
        abi: operatorRegistryAbi,
        address: network.operatorRegistry,
        functionName: "enrolmentOf",
        args: [MODEL_ID, operatorId],
      });
      const { weight } = unpackEnrolment(word);
      expect(drawnFromRound(drawTicket(drawSeed(id, hash), operatorId), { ...fields, weight })).toBe(0);
    }
  });

  test("refusal: a reason with its values, before anything is sent", async () => {
    const nonce = await network.client.reader.getTransactionCount({ address: author().address });
    const base = { modelId: MODEL_ID, input: INPUT, policy: POLICY, ...GAS, deadline: await deadlineIn(600) };
    const cases: [string, RegExp, Partial<typeof base> & { maxFee?: bigint; value?: bigint }][] = [
      ["ModelNotActive", /was never published/, { modelId: zeroHash }],
      ["FeeAboveMaximum", /more than the 1 that the caller agreed to/, { maxFee: 1n }],
      ["DeadlineOutOfBounds", /The deadline 1 is not after/, { deadline: 1 }],
      ["QuorumOutOfBounds", /quorum of 4/, { policy: { ...POLICY, quorum: 4 } }],
      ["ChallengeWindowTooLong", /86401 s/, { policy: { ...POLICY, challengeWindow: 86_401 } }],
      ["CallbackGasTooHigh", /above the maximum of 2000000/, { callbackGasLimit: 2_000_001 }],
      ["InputTooLong", /65536 allowed/, { input: `0x${"00".repeat(65_537)}` }],
      [
        "TooFewOperators",
        /Only 3 operators/,
        { policy: { committeeSize: 8, quorum: 8, challengeWindow: 0 } },
      ],
      ["CreditTooLow", /payment is short/, { value: 1n }],
    ];
    for (const [reason, message, change] of cases) {
      const error = (await caught(sibyl.requestInference({ ...base, ...change }))) as CallRevertedError;
      expect(error, reason).toBeInstanceOf(CallRevertedError);
      expect(error.reason).toBe(reason);
      expect(error.shortMessage).toMatch(message);
      expect(explainRevert(error)?.name).toBe(reason);
    }
    expect(await network.client.reader.getTransactionCount({ address: author().address })).toBe(nonce);
  });

  test("oracle: an account, another contract and a client without account are told apart", async () => {
    const reader = network.client.reader;
    await expect(reader.extend(inferenceActions(network)).checkOracle()).resolves.toBeUndefined();
    const empty = reader.extend(inferenceActions({ oracle: author().address }));
    expect(await caught(empty.checkOracle())).toMatchObject({
      name: "NoOracleError",
      shortMessage: expect.stringMatching(/no contract/),
      details: expect.stringMatching(/chain 31337/),
    });
    const other = network.client.as(author()).extend(inferenceActions({ oracle: network.operatorRegistry }));
    const parameters = {
      modelId: MODEL_ID,
      input: INPUT,
      policy: POLICY,
      ...GAS,
      deadline: await deadlineIn(60),
    };
    expect(await caught(other.requestInference(parameters))).toBeInstanceOf(NoOracleError);
    expect(
      await caught(reader.extend(inferenceActions(network)).requestInference(parameters)),
    ).toBeInstanceOf(NoAccountError);
  });
});

describe("another chain", () => {
  test("oracle: one that answers for another chain is none, with both chains named", async () => {
    // As a chain that was copied, or an RPC address that leads elsewhere than it should.
    const { reader } = network.client;
    const moved = createPublicClient({
      transport: custom({
        request: (call) =>
          call.method === "eth_chainId" ? Promise.resolve("0xaa36a7") : reader.request(call as never),
      }),
    }).extend(inferenceActions(network));
    expect(await caught(moved.checkOracle())).toMatchObject({
      name: "NoOracleError",
      details: expect.stringMatching(/on chain 11155111 has EIP-712 domain Sibyl 1 on chain 31337/),
    });
  });

  test("oracle: a client of the wrong chain sends no request", async () => {
    const elsewhere = network.client
      .as(author())
      .extend(inferenceActions({ oracle: "0x00000000000000000000000000000000000000aa" }));
    const before = await network.client.reader.getTransactionCount({ address: author().address });
    const parameters = { modelId: MODEL_ID, input: INPUT, policy: POLICY, ...GAS };
    const asking = elsewhere.requestInference({ ...parameters, deadline: await deadlineIn(60) });
    expect(await caught(asking)).toBeInstanceOf(NoOracleError);
    expect(await network.client.reader.getTransactionCount({ address: author().address })).toBe(before);
  });
});

describe("answering", () => {
  test("settle: what the SDK signs and encodes, the oracle takes", async () => {
    const opened = await ask();
    const waiting = sibyl.waitForResult({ requestId: opened.requestId, fromBlock: opened.blockNumber });
    expect(await sibyl.getResult({ requestId: opened.requestId })).toBeUndefined();
    const transactionHash = await network.settle(opened, OUTPUT);
    const result = await waiting;
    expect(result).toMatchObject({
      status: "settled",
      output: OUTPUT,
      signers: [1, 2],
      callback: "delivered",
      transactionHash,
    });
    if (result.status !== "settled") throw new Error("not settled");
    expect(decodeOutput("classification", result.output)).toEqual({ label: 1, confidence: (WAD * 9n) / 10n });
    expect(await sibyl.getRequestStatus({ requestId: opened.requestId })).toBe("settled");
    expect(await sibyl.verifyOutput({ requestId: opened.requestId, output: OUTPUT })).toBe(true);
    expect(await sibyl.verifyOutput({ requestId: opened.requestId, output: `${OUTPUT}00` })).toBe(false);
    const again = await caught(sibyl.expire({ words: opened.words }));
    expect(again).toMatchObject({
      reason: "RequestNotOpen",
      shortMessage: expect.stringMatching(/is settled/),
    });
  });

  test("callback: a failure is told with its reason, and redelivered once", async () => {
    const opened = await ask();
    const consumer = author().address;
    await network.test.setCode({ address: consumer, bytecode: REVERTING_CODE });
    await network.settle(opened, OUTPUT);
    const failed = await sibyl.getResult({ requestId: opened.requestId });
    expect(failed).toMatchObject({ status: "settled", callback: "failed" });
    if (failed?.status !== "settled") throw new Error("not settled");
    expect(explainReason(failed.callbackReason as Hex)).toMatchObject({ name: "TokenListFull" });
    expect(await sibyl.getRequestStatus({ requestId: opened.requestId })).toBe("callbackFailed");

    // Sent by somebody else, because an account with code sends nothing.
    const other = network.client.as(publisher());
    const anybody = other.extend(inferenceActions(network));
    const delivery = { words: opened.words, output: OUTPUT };
    expect(await caught(anybody.redeliver(delivery))).toMatchObject({
      reason: "RedeliveryFailed",
      shortMessage: expect.stringMatching(/TokenListFull/),
    });
    await network.test.setCode({ address: consumer, bytecode: "0x" });
    await network.client.mined(await anybody.redeliver(delivery), "redeliver");
    expect(await sibyl.getResult({ requestId: opened.requestId })).toMatchObject({ callback: "redelivered" });
    expect(await caught(anybody.redeliver(delivery))).toMatchObject({ reason: "NothingToRedeliver" });
  });

  test("expiry: refused before the deadline, a full refund after it", async () => {
    const opened = await ask(30);
    expect(await caught(sibyl.expire({ words: opened.words }))).toMatchObject({
      reason: "DeadlineNotPassed",
    });
    await network.test.increaseTime({ seconds: 31 });
    await network.test.mine({ blocks: 1 });
    await network.client.mined(await sibyl.expire({ words: opened.words }), "expire");
    expect(await sibyl.waitForResult({ requestId: opened.requestId })).toMatchObject({
      status: "expired",
      feeRefunded: opened.fields.fee,
      gasReserveRefunded: opened.fields.gasReserve,
    });
    expect(await sibyl.getRequestStatus({ requestId: opened.requestId })).toBe("none");
  });

  test("waiting: ends with the last status at its limit, and at once when aborted", async () => {
    const opened = await ask();
    const wait = { requestId: opened.requestId, pollingIntervalMs: 10 };
    const timeout = await caught(sibyl.waitForResult({ ...wait, timeoutMs: 50 }));
    expect(timeout).toBeInstanceOf(WaitForResultTimeoutError);
    expect(timeout).toMatchObject({ details: expect.stringMatching(/is open after 50 ms/) });
    const controller = new AbortController();
    const aborted = caught(
      sibyl.waitForResult({ ...wait, pollingIntervalMs: 60_000, signal: controller.signal }),
    );
    controller.abort(new Error("enough"));
    expect(await aborted).toMatchObject({ message: "enough" });
    expect(await caught(sibyl.getRequest({ requestId: zeroHash }))).toBeInstanceOf(RequestNotFoundError);
  });

  test("watching: tells each new request of the consumer", async () => {
    let stop = () => {};
    const seen = new Promise<OpenedRequest[]>((resolve, reject) => {
      stop = sibyl.watchRequests({
        consumer: author().address,
        modelId: MODEL_ID,
        pollingIntervalMs: 20,
        onRequests: (requests) => resolve(requests),
        onError: reject,
      });
    });
    try {
      const block = await network.client.reader.getBlockNumber();
      const opened = await ask();
      expect(opened.blockNumber).toBeGreaterThan(block);
      expect(await seen).toContainEqual(opened);
    } finally {
      stop();
    }
  });
});
