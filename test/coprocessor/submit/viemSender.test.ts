import { type Address, parseTransaction, zeroHash } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connectRpc, type RpcClient } from "../../../coprocessor/rpc/rpcClient.ts";
import type { TransactionSender } from "../../../coprocessor/submit/port.ts";
import { createViemSender } from "../../../coprocessor/submit/viemSender.ts";
import { type Anvil, startAnvil } from "../../../scripts/network/anvil.ts";
import { type EmitterClient, emitterClient } from "../chain/emitter.ts";
import { collectedLog } from "../collectedLog.ts";
import { type RpcProxy, startRpcProxy } from "../rpcProxy.ts";
import { deploySettlementBoard, failData, settleData, settlementBoard } from "./settlementBoard.ts";

/** anvil's second public development account; the first one deploys. */
const account = privateKeyToAccount("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");

let anvil: Anvil;
let proxy: RpcProxy;
let rpc: RpcClient;
let client: EmitterClient;
let board: Address;
let sender: TransactionSender;
let snapshot: `0x${string}`;

beforeAll(async () => {
  anvil = await startAnvil({ noMining: true });
  proxy = await startRpcProxy(anvil.url);
  client = emitterClient(anvil.url);
  board = await deploySettlementBoard(client);
  await client.mine({ blocks: 1 });
  rpc = await connectRpc({ urls: [proxy.url], log: collectedLog() });
  sender = createViemSender({ rpc, account, errors: settlementBoard().abi });
});

beforeEach(async () => {
  snapshot = await client.snapshot();
});

afterEach(async () => {
  proxy.breakWith(null);
  proxy.interfere(() => "pass");
  await client.request({ method: "anvil_dropAllTransactions" } as never);
  await client.revert({ id: snapshot });
});

afterAll(async () => {
  await rpc?.close();
  await proxy?.stop();
  await anvil?.stop();
});

async function signSettle(id: bigint, changes: { nonce?: number; percent?: bigint } = {}) {
  const fees = await sender.fees();
  const percent = changes.percent ?? 100n;
  return sender.sign({
    to: board,
    data: settleData(id),
    value: 0n,
    gas: 150_000n,
    nonce: changes.nonce ?? (await sender.latestNonce()),
    maxFeePerGas: (fees.maxFeePerGas * percent) / 100n,
    maxPriorityFeePerGas: (fees.maxPriorityFeePerGas * percent) / 100n,
  });
}

describe("simulate", () => {
  it("ok: with room over what it really takes", async () => {
    const simulation = await sender.simulate(board, settleData(1n));
    if (simulation.type !== "ok") throw new Error(simulation.message);
    const { hash, raw } = await signSettle(1n);
    await sender.broadcast(raw);
    await client.mine({ blocks: 1 });
    const used = (await sender.receipt(hash))?.gasUsed ?? 0n;
    expect(simulation.gas).toBeGreaterThan((used * 105n) / 100n);
    expect(simulation.gas).toBeLessThan((used * 140n) / 100n);
  });

  it("reverted: our custom error by name, with its values, as the account itself", async () => {
    const { raw } = await signSettle(2n);
    await sender.broadcast(raw);
    await client.mine({ blocks: 1 });
    expect(await sender.simulate(board, settleData(2n))).toEqual({
      type: "reverted",
      errorName: "AlreadySettled",
      message: `AlreadySettled(2, ${account.address})`,
    });
  });

  it.each([
    [0n, "Error", "Error(in words)"],
    [1n, "Panic", "Panic(1)"],
    [2n, "", "reverted without a reason"],
    [3n, "", "reverted with unknown error 0xdeadbeef"],
  ])("reverted: Solidity's own and strangers' errors (%i)", async (how, errorName, message) => {
    expect(await sender.simulate(board, failData(how))).toEqual({ type: "reverted", errorName, message });
  });

  it("submit/simulation-failed: a node that declines for another reason is no revert", async () => {
    proxy.interfere(({ method }) =>
      method === "eth_estimateGas" ? { error: { code: -32_000, message: "header not found" } } : "pass",
    );
    await expect(sender.simulate(board, settleData(1n))).rejects.toMatchObject({
      code: "submit/simulation-failed",
    });
  });
});

describe("call", () => {
  it("what it returns in the next block, and null where it reverts or gas runs out", async () => {
    expect(await sender.call(board, settleData(5n), 150_000n)).toBe("0x");
    expect(await sender.call(board, failData(0n), 150_000n)).toBeNull();
    expect(await sender.call(board, settleData(5n), 25_000n)).toBeNull();
  });

  it("rpc/unreachable: an endpoint that does not answer is no revert", async () => {
    proxy.breakWith(503);
    await expect(sender.call(board, settleData(5n), 150_000n)).rejects.toMatchObject({
      code: "rpc/unreachable",
    });
  });
});

describe("fees", () => {
  it("twice the base fee and a tip, never below the least tip", async () => {
    const { baseFeePerGas, maxFeePerGas, maxPriorityFeePerGas } = await sender.fees();
    const next = (await client.getBlock({ blockTag: "pending" })).baseFeePerGas;
    expect(baseFeePerGas).toBe(next);
    expect(maxPriorityFeePerGas).toBeGreaterThanOrEqual(1_000_000n);
    expect(maxFeePerGas).toBe(2n * baseFeePerGas + maxPriorityFeePerGas);
  });

  it("the median of what was paid lately", async () => {
    for (const [block, gwei] of [3n, 4n, 4n, 9n, 4n, 4n, 5n, 4n, 3n, 4n].entries()) {
      await client.sendTransaction({
        to: board,
        data: settleData(BigInt(block)),
        gas: 150_000n,
        maxFeePerGas: 30n * 10n ** 9n,
        maxPriorityFeePerGas: gwei * 10n ** 9n,
      });
      await client.mine({ blocks: 1 });
    }
    expect((await sender.fees()).maxPriorityFeePerGas).toBe(4n * 10n ** 9n);
  });
});

describe("sign and broadcast", () => {
  it("signed, not sent; then sent, mined, and its receipt read", async () => {
    const { hash, raw } = await signSettle(1n);
    expect(parseTransaction(raw)).toMatchObject({
      type: "eip1559",
      chainId: anvil.chainId,
      to: board.toLowerCase(),
      gas: 150_000n,
    });
    await client.mine({ blocks: 1 });
    expect(await sender.receipt(hash)).toBeNull();
    const nonce = await sender.latestNonce();
    await sender.broadcast(raw);
    await client.mine({ blocks: 1 });
    const receipt = await sender.receipt(hash);
    const block = await client.getBlock();
    expect(receipt).toMatchObject({ succeeded: true, blockNumber: block.number, blockHash: block.hash });
    expect(await sender.latestNonce()).toBe(nonce + 1);
  });

  it("no error: what the network has already, and what it has mined", async () => {
    const { raw } = await signSettle(1n);
    await sender.broadcast(raw);
    await sender.broadcast(raw);
    await client.mine({ blocks: 1 });
    await sender.broadcast(raw);
  });

  it("submit/nonce-used: the nonce went to something else", async () => {
    const first = await signSettle(1n);
    const second = await signSettle(2n);
    await sender.broadcast(first.raw);
    await client.mine({ blocks: 1 });
    await expect(sender.broadcast(second.raw)).rejects.toMatchObject({
      code: "submit/nonce-used",
      retry: "never",
    });
  });

  it("submit/underpriced: a replacement at the same price; taken with a bump", async () => {
    await sender.broadcast((await signSettle(1n)).raw);
    await expect(sender.broadcast((await signSettle(2n)).raw)).rejects.toMatchObject({
      code: "submit/underpriced",
    });
    const bumped = await signSettle(2n, { percent: 113n });
    await sender.broadcast(bumped.raw);
    await client.mine({ blocks: 1 });
    expect(await sender.receipt(bumped.hash)).toMatchObject({ succeeded: true });
  });

  it("submit/insufficient-funds: the account cannot pay", async () => {
    const { raw } = await signSettle(1n);
    await client.setBalance({ address: account.address, value: 1_000n });
    await expect(sender.broadcast(raw)).rejects.toMatchObject({
      code: "submit/insufficient-funds",
      retry: "backoff",
    });
    expect(await sender.balance()).toBe(1_000n);
  });

  it("a reverting transaction has a receipt that says so", async () => {
    await sender.broadcast((await signSettle(7n)).raw);
    const again = await signSettle(7n, { nonce: (await sender.latestNonce()) + 1 });
    await sender.broadcast(again.raw);
    await client.mine({ blocks: 1 });
    expect(await sender.receipt(again.hash)).toMatchObject({ succeeded: false });
    expect(await sender.receipt(zeroHash)).toBeNull();
  });
});
