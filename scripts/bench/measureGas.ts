import {
  attestationTypedData,
  encodeSettle,
  inferenceOracleAbi,
  type OpenedRequest,
  outputHash,
  sortAttestations,
} from "@sibyl/sdk";
import { type Hex, parseEventLogs, type TransactionReceipt, toHex } from "viem";
import { author, operatorAttester } from "../network/devAccounts.ts";
import { enrollOperator, registerOperator } from "../network/registerOperator.ts";
import { ask, price, word } from "./ask.ts";
import type { BenchNetwork } from "./benchNetwork.ts";
import type { GasKey } from "./gasBounds.ts";
import { measureChallenges } from "./measureChallenges.ts";
import type { Repayment } from "./repayment.ts";

const VIEW = 0;
const BATCH = 10;

export interface GasMeasurement {
  /** `gasUsed` of receipts. */
  gas: Record<GasKey, number>;
  /** The same settlements by what they repaid. */
  repayments: Record<"settle3" | "settle1k" | "settleBatch10" | "propose" | "finalize", Repayment>;
}

/**
 * Sends each step as a transaction, with every balance in use before (steady state), and reads its receipt.
 *
 * @param network A fresh one: the steps move its clock.
 */
export async function measureGas(network: BenchNetwork): Promise<GasMeasurement> {
  const { client, protocol, consumer, starvedConsumer } = network;

  // Brings every balance into use, the starved consumer's too.
  const starved = await ask(network, starvedConsumer, word("a first question"));
  await settle(network, starved.request, word("a first answer"));
  const first = await ask(network, consumer, word("a second question"));
  await settle(network, first.request, word("a second answer"));

  const request32 = await ask(network, consumer, word("32 bytes"));
  const request1k = await ask(network, consumer, bytes(1024));
  const settle3 = await settle(network, request32.request, word("an answer"));
  const settle1k = await settle(network, request1k.request, bytes(1024));
  const settleBatch10 = await settleBatch(network);

  const redelivery = await client.as(author()).writeContract({
    abi: inferenceOracleAbi,
    address: protocol.oracle,
    functionName: "redeliver",
    args: [starved.request.words, word("a first answer")],
  });
  const redeliver = await client.mined(redelivery, "redeliver");
  const expire = await expireOne(network);
  const joining = await join(network);
  const challenges = await measureChallenges(network);

  return {
    gas: {
      request32: Number(request32.receipt.gasUsed),
      request1k: Number(request1k.receipt.gasUsed),
      settle3: Number(settle3.gasUsed),
      settle1k: Number(settle1k.gasUsed),
      settleBatch10: Math.ceil(Number(settleBatch10.gasUsed) / BATCH),
      expire: Number(expire.gasUsed),
      redeliver: Number(redeliver.gasUsed),
      ...joining,
      ...challenges.gas,
    },
    repayments: {
      settle3: repaymentOf(settle3, 1),
      settle1k: repaymentOf(settle1k, 1),
      settleBatch10: repaymentOf(settleBatch10, BATCH),
      propose: challenges.proposing,
      finalize: challenges.finalizing,
    },
  };
}

function attest({ client, protocol, operators }: BenchNetwork, request: OpenedRequest, output: Hex) {
  const scope = { chainId: client.chain.id, oracle: protocol.oracle };
  const fields = { requestHash: request.requestId, outputHash: outputHash(output), view: VIEW };
  return Promise.all(
    operators.map(async ({ operatorId }, place) => ({
      operatorId,
      signature: await operatorAttester(place).signTypedData(attestationTypedData(scope, fields)),
    })),
  );
}

/** Submitted by the first operator, so that the gas is repaid. */
async function settle(network: BenchNetwork, request: OpenedRequest, output: Hex) {
  const { client, protocol } = network;
  const data = encodeSettle(request.words, output, VIEW, await attest(network, request, output));
  const hash = await client
    .as(operatorAttester(0))
    .sendTransaction({ to: protocol.oracle, data, gas: 1_000_000n, ...price() });
  return client.mined(hash, "settle");
}

async function settleBatch(network: BenchNetwork) {
  const { client, protocol, consumer } = network;
  const items = [];
  for (let index = 0; index < BATCH; index++) {
    const { request } = await ask(network, consumer, word(`question ${index}`));
    const output = word(`answer ${index}`);
    const attestations = sortAttestations(await attest(network, request, output));
    items.push({ request: request.words, output, viewNumber: VIEW, attestations });
  }
  const hash = await client.as(operatorAttester(0)).writeContract({
    abi: inferenceOracleAbi,
    address: protocol.oracle,
    functionName: "settleBatch",
    args: [items],
    gas: 5_000_000n,
    ...price(),
  });
  return client.mined(hash, "settleBatch");
}

async function expireOne(network: BenchNetwork) {
  const { client, protocol, consumer } = network;
  const { request } = await ask(network, consumer, word("nobody answers"));
  const timestamp = request.fields.deadline + 1;
  await client.reader.request({
    method: "evm_setNextBlockTimestamp" as never,
    params: [timestamp] as never,
  });
  await client.reader.request({ method: "evm_mine" as never, params: [] as never });
  const hash = await client.as(author()).writeContract({
    abi: inferenceOracleAbi,
    address: protocol.oracle,
    functionName: "expire",
    args: [request.words],
  });
  return client.mined(hash, "expire");
}

/** A further operator joins; the receipts are found by who sent them. */
async function join({ client, protocol, modelId, operators }: BenchNetwork) {
  const place = operators.length;
  const before = await client.reader.getBlockNumber();
  const { owner } = await registerOperator(
    client,
    protocol.operatorRegistry,
    place,
    "/ip4/127.0.0.1/tcp/4001",
  );
  await enrollOperator(client, protocol.operatorRegistry, place, modelId);
  const gas: number[] = [];
  for (let number = before + 1n; number <= (await client.reader.getBlockNumber()); number++) {
    const block = await client.reader.getBlock({ blockNumber: number, includeTransactions: true });
    for (const { hash, from, to } of block.transactions) {
      if (from.toLowerCase() !== owner.toLowerCase()) continue;
      if (to?.toLowerCase() !== protocol.operatorRegistry.toLowerCase()) continue;
      gas.push(Number((await client.reader.getTransactionReceipt({ hash })).gasUsed));
    }
  }
  const [register, enroll] = gas;
  if (register === undefined || enroll === undefined) throw new Error("joining is two transactions");
  return { register, enroll };
}

function repaymentOf(receipt: TransactionReceipt, settlements: number): Repayment {
  const settled = parseEventLogs({
    abi: inferenceOracleAbi,
    eventName: "RequestSettled",
    logs: receipt.logs,
  });
  const failed = parseEventLogs({ abi: inferenceOracleAbi, eventName: "CallbackFailed", logs: receipt.logs });
  if (settled.length !== settlements || failed.length !== 0)
    throw new Error(`${settled.length} of ${settlements} settled, ${failed.length} callbacks failed`);
  const paid = settled.reduce((sum, { args }) => sum + args.gasPaid, 0n);
  return { usedGas: Number(receipt.gasUsed), repaidGas: Number(paid / receipt.effectiveGasPrice) };
}

/** `length` bytes, none of them zero, which is the dearest case. */
const bytes = (length: number): Hex => toHex(Uint8Array.from({ length }, (_, index) => (index % 255) + 1));
