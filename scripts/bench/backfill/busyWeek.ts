import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inferenceOracleAbi } from "@sibyl/sdk";
import { encodeFunctionData, type Hex, parseEther, parseGwei } from "viem";
import { startAnvil } from "../../network/anvil.ts";
import { buildContracts } from "../../network/buildContracts.ts";
import { type ChainClient, chainClient } from "../../network/chainClient.ts";
import { deployProtocol, type Protocol } from "../../network/deployProtocol.ts";
import { author, ENDOWED_ACCOUNTS } from "../../network/devAccounts.ts";
import { endWithUs } from "../../network/endWithUs.ts";
import { publishModel } from "../../network/publishModel.ts";
import { enrollOperator, registerOperator } from "../../network/registerOperator.ts";
import { rpcResult } from "../../network/rpcCall.ts";
import { type ServedModel, serveModels } from "../../network/serveModels.ts";
import type { Teardown } from "../../network/teardown.ts";
import { addEmptyBlocks } from "./emptyBlocks.ts";

const MODELS = join(import.meta.dirname, "..", "..", "..", "models");
const SECONDS_PER_BLOCK = 6;
/** Stretches of the chain, each some busy blocks and then quiet ones. */
const STRETCHES = 20;
const REQUESTS_PER_BLOCK = 10;
/** Seconds that a request may wait; all are over when the chain ends. */
const LIFETIME_SECONDS = 600;
const GAS_PER_REQUEST = 400_000n;

export interface BusyWeek {
  client: ChainClient;
  protocol: Protocol;
  model: ServedModel;
  requests: number;
  head: bigint;
}

/**
 * A chain that is a week old: `blocks` blocks of six seconds with `requests` requests, for all of which the one operator was
 * drawn, and none of which was answered.
 */
export async function startBusyWeek(options: {
  blocks: number;
  requests: number;
  teardown: Teardown;
  tell: (line: string) => void;
}): Promise<BusyWeek> {
  const { blocks, requests, teardown, tell } = options;
  const artifacts = await buildContracts(teardown);
  const timestamp = Math.floor(Date.now() / 1_000) - blocks * SECONDS_PER_BLOCK;
  const limits = ["--no-request-size-limit", "--accounts", String(ENDOWED_ACCOUNTS)];
  const anvil = await startAnvil({ timestamp, args: limits });
  const gone = endWithUs(anvil.pid);
  void anvil.exited.then(gone);
  teardown.add("anvil", () => anvil.stop());
  const client = chainClient(anvil.url, anvil.chainId);
  const server = await serveModels(MODELS, teardown);
  const model = server.model("iris");
  const protocol = await deployProtocol(client, artifacts);
  await publishModel(client, protocol.modelRegistry, model);
  await registerOperator(client, protocol.operatorRegistry, 0, "");
  await enrollOperator(client, protocol.operatorRegistry, 0, model.modelId);

  // From here on blocks are made by us alone.
  await rpcResult(anvil.url, "evm_setAutomine", [false]);
  const busy = Math.ceil(requests / REQUESTS_PER_BLOCK / STRETCHES);
  const head = await client.reader.getBlockNumber({ cacheTime: 0 });
  const quiet = Math.floor((blocks - Number(head)) / STRETCHES) - busy;
  let nonce = await client.reader.getTransactionCount({ address: author().address });
  let asked = 0;
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    await addEmptyBlocks(anvil.url, quiet >> 1, SECONDS_PER_BLOCK);
    for (let place = 0; place < busy && asked < requests; place++) {
      const count = Math.min(REQUESTS_PER_BLOCK, requests - asked);
      await mineRequests(client, protocol, model, count, nonce);
      nonce += 1;
      asked += count;
    }
    await addEmptyBlocks(anvil.url, quiet - (quiet >> 1), SECONDS_PER_BLOCK);
    tell(`${stretch + 1} of ${STRETCHES} stretches of the chain are there`);
  }
  const found = await client.reader.getBlockNumber({ cacheTime: 0 });
  return { client, protocol, model, requests: asked, head: found };
}

/** One block with one transaction that opens `count` requests. */
async function mineRequests(
  client: ChainClient,
  protocol: Protocol,
  model: ServedModel,
  count: number,
  nonce: number,
): Promise<void> {
  const { cases } = JSON.parse(readFileSync(join(model.folder, "goldens.json"), "utf8")) as {
    cases: { input: Hex }[];
  };
  const { timestamp } = await client.reader.getBlock();
  const now = Number(timestamp) + SECONDS_PER_BLOCK;
  const params = Array.from({ length: count }, (_, place) => ({
    modelId: model.modelId,
    input: cases[place % cases.length]?.input ?? "0x",
    policy: { committeeSize: 1, quorum: 1, challengeWindow: 0 },
    callbackGasLimit: 50_000n,
    deadline: now + LIFETIME_SECONDS,
    maxGasPrice: parseGwei("20"),
    maxFee: parseEther("1"),
  }));
  const data = encodeFunctionData({ abi: inferenceOracleAbi, functionName: "requestBatch", args: [params] });
  const raw = await author().signTransaction({
    type: "eip1559",
    chainId: client.chain.id,
    to: protocol.oracle,
    data,
    value: parseEther("1"),
    nonce,
    gas: GAS_PER_REQUEST * BigInt(count),
    maxFeePerGas: parseGwei("100"),
    maxPriorityFeePerGas: parseGwei("1"),
  });
  const hash = await rpcResult<Hex>(client.rpcUrl, "eth_sendRawTransaction", [raw]);
  await rpcResult(client.rpcUrl, "evm_setNextBlockTimestamp", [now]);
  await rpcResult(client.rpcUrl, "anvil_mine", ["0x1"]);
  await client.mined(hash, "asking");
}
