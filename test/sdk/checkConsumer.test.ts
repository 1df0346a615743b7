import {
  CallbackGasTooLowError,
  CallRevertedError,
  encodeOutput,
  inferenceActions,
  NoConsumerError,
  NoOracleError,
  WAD,
} from "@sibyl/sdk";
import { type Address, getAddress, keccak256, stringToHex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildContracts } from "../../scripts/network/buildContracts.ts";
import { author, deployer } from "../../scripts/network/devAccounts.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { type OracleNetwork, PRICE, startOracleNetwork } from "./oracleNetwork.ts";

const MODEL_ID = keccak256(stringToHex("a model"));
const OUTPUT = encodeOutput("classification", { label: 0, confidence: WAD });
const NOBODY = getAddress("0x00000000000000000000000000000000000000aa");

let network: OracleNetwork;

// The compiler may have to run first.
beforeAll(async () => {
  network = await startOracleNetwork(MODEL_ID);
}, 240_000);
afterAll(() => network?.stop());

const actions = (oracle: Address = network.oracle) =>
  network.client.as(author()).extend(inferenceActions({ oracle }));

/** A message board with the given settings. */
async function board(settings: { callbackGasLimit?: number; quorum?: number; maxFee?: bigint }) {
  const { MessageBoard } = await buildContracts(new Teardown());
  const { callbackGasLimit = 100_000, quorum = 2, maxFee = 10n ** 18n } = settings;
  const hash = await network.client.as(deployer()).deployContract({
    ...MessageBoard,
    args: [
      network.oracle,
      MODEL_ID,
      {
        policy: { committeeSize: 3, quorum, challengeWindow: 0 },
        callbackGasLimit,
        lifetimeSeconds: 600,
        maxGasPrice: 10n ** 10n,
        maxFee,
      },
    ],
  });
  const { contractAddress } = await network.client.mined(hash, "deploying a board");
  if (!contractAddress) throw new Error("no address of the board");
  return contractAddress;
}

test("sound: the price is that of the consumer's own settings", async () => {
  const consumer = await board({});
  const cost = await actions().checkConsumer({ consumer, modelId: MODEL_ID, inputSize: 1, output: OUTPUT });
  expect(cost.fee).toBe(2n * (PRICE.perExecution + PRICE.perKiB));
});

test("undersized callback gas: said before anything is sent, with the limit", async () => {
  const consumer = await board({ callbackGasLimit: 20_000 });
  const check = actions().checkConsumer({ consumer, modelId: MODEL_ID, output: OUTPUT });
  await expect(check).rejects.toThrow(CallbackGasTooLowError);
  await expect(check).rejects.toThrow(/asks for 20000/);
  // Without an output there is no callback to try.
  await actions().checkConsumer({ consumer, modelId: MODEL_ID });
});

test("callback gas: the limit that just suffices passes, one step less does not", async () => {
  // The test knows no figure of its own: it looks for the edge.
  const fits = async (callbackGasLimit: number) => {
    const consumer = await board({ callbackGasLimit });
    const check = actions().checkConsumer({ consumer, modelId: MODEL_ID, output: OUTPUT });
    return check.then(
      () => true,
      (error) => {
        if (error instanceof CallbackGasTooLowError) return false;
        throw error;
      },
    );
  };
  let [low, high] = [20_000, 100_000];
  while (high - low > 1_000) {
    const middle = Math.floor((low + high) / 2);
    if (await fits(middle)) high = middle;
    else low = middle;
  }
  // It writes one slot that was zero, for 22,100, and logs one event.
  expect(high).toBeGreaterThan(22_100);
  expect(high).toBeLessThan(30_000);
});

test("malformed output: the callback's refusal is told apart from too little gas", async () => {
  const consumer = await board({});
  const check = actions().checkConsumer({ consumer, modelId: MODEL_ID, output: "0x01" });
  await expect(check).rejects.toThrow(CallRevertedError);
  await expect(check).rejects.toThrow(/The callback refuses the output/);
});

test("unset model: named", async () => {
  const consumer = await board({});
  const check = actions().checkConsumer({ consumer, modelId: `0x${"0".repeat(64)}` });
  await expect(check).rejects.toMatchObject({ reason: "ModelNotActive" });
});

test("price above the consumer's maximum: named with both", async () => {
  const consumer = await board({ maxFee: 5n });
  const check = actions().checkConsumer({ consumer, modelId: MODEL_ID });
  await expect(check).rejects.toMatchObject({ reason: "FeeAboveMaximum" });
});

test("no consumer: an account, another contract, a consumer of another oracle", async () => {
  const consumer = await board({});
  const other = { modelId: MODEL_ID };
  await expect(actions().checkConsumer({ ...other, consumer: NOBODY })).rejects.toThrow(NoConsumerError);
  await expect(actions().checkConsumer({ ...other, consumer: network.modelRegistry })).rejects.toThrow(
    /is no InferenceConsumer/,
  );
  await expect(actions(NOBODY).checkConsumer({ ...other, consumer })).rejects.toThrow(NoOracleError);
});
