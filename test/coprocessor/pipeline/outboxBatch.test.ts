import { type Address, type Hex, zeroAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Takings } from "../../../coprocessor/core/economics.ts";
import type { OutboxEntry } from "../../../coprocessor/core/outbox.ts";
import { driveOutbox } from "../../../coprocessor/pipeline/outbox.ts";
import type { OutboxDeps } from "../../../coprocessor/pipeline/outboxDeps.ts";
import { connectRpc, type RpcClient } from "../../../coprocessor/rpc/rpcClient.ts";
import { createViemSender } from "../../../coprocessor/submit/viemSender.ts";
import { type Anvil, startAnvil } from "../../../scripts/network/anvil.ts";
import { type EmitterClient, emitterClient } from "../chain/emitter.ts";
import { collectedLog } from "../collectedLog.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { outboxEntry } from "../store/fixtures.ts";
import { batchBoard, boardRequest, deployBatchBoard, settledBy } from "../submit/batchBoard.ts";

/** anvil's second public development account; the first one deploys. */
const account = privateKeyToAccount("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
const GWEI = 10n ** 9n;

let anvil: Anvil;
let rpc: RpcClient;
let client: EmitterClient;
let board: Address;
let subject: StoreUnderTest;
let snapshot: Hex;
let deps: OutboxDeps;
let log: ReturnType<typeof collectedLog>;
let takings: Takings;
let windowMs: number;
let held: string[];
let now = 1_000_000;
const idOf = new Map<string, Hex>();

beforeAll(async () => {
  [anvil, subject] = await Promise.all([startAnvil({ noMining: true }), openEmbeddedStore()]);
  client = emitterClient(anvil.url);
  board = await deployBatchBoard(client);
  await mine();
}, 60_000);

beforeEach(async () => {
  snapshot = await client.snapshot();
  await subject.clear();
  log = collectedLog();
  rpc = await connectRpc({ urls: [anvil.url], log });
  takings = { shareWei: 10n ** 15n, reserveWei: 10n ** 17n, maxGasPrice: 100n * GWEI, deadlineMs: now + 1e9 };
  windowMs = 0;
  held = [];
  deps = {
    store: subject.store,
    submit: createViemSender({ rpc, account, errors: batchBoard().abi }),
    log,
    isNeeded: async (key) => (await settledBy(client, board, idOf.get(key) as Hex)) === zeroAddress,
    economics: { takings: async () => takings, minProfitWei: () => 0n, batchWindowMs: () => windowMs },
    onHeld: (key) => held.push(key),
  };
});

afterEach(async () => {
  await rpc.close();
  await forgetMempool();
  await client.revert({ id: snapshot });
});

afterAll(async () => {
  await Promise.all([anvil?.stop(), subject?.close()]);
});

async function plan(label: string, attempt = 0, output?: Hex): Promise<OutboxEntry> {
  const { key, id, data } = boardRequest(label, board, output);
  const entry = outboxEntry(`settle/${key}/${attempt}`, {
    key,
    to: board,
    data,
    gas: 200_000n,
    maxFeePerGasCap: 100n * GWEI,
    createdAt: now,
  });
  idOf.set(key, id);
  expect(await subject.store.insertOutbox(entry)).toBe(true);
  return entry;
}

const stored = async (): Promise<OutboxEntry[]> =>
  subject.store.outbox({ states: ["planned", "batched", "signed", "mined", "abandoned"] });
const one = async ({ id }: OutboxEntry): Promise<OutboxEntry> => {
  const found = (await stored()).find((entry) => entry.id === id);
  if (!found) throw new Error(`no entry ${id}`);
  return found;
};
const batches = async () => (await stored()).filter(({ kind }) => kind === "settleBatch");
const by = (entry: OutboxEntry) => settledBy(client, board, idOf.get(entry.key) as Hex);

async function drive(afterMs = 0): Promise<number> {
  now += afterMs;
  return driveOutbox(deps, now);
}
const mine = () => client.mine({ blocks: 1 });
const forgetMempool = () => client.request({ method: "anvil_dropAllTransactions" } as never);

describe("settlements that are due together", () => {
  it("settled: three take one transaction and one nonce", async () => {
    const entries = [await plan("a"), await plan("b"), await plan("c")];
    const nonce = await deps.submit.latestNonce();
    await drive();
    expect((await Promise.all(entries.map(one))).map(({ state }) => state)).toEqual(Array(3).fill("batched"));
    await mine();
    await drive();
    const [batch] = await batches();
    expect(batch).toMatchObject({ state: "mined", succeeded: true, nonce });
    for (const entry of entries) {
      expect(await by(entry)).toBe(account.address);
      expect(await one(entry)).toMatchObject({
        state: "mined",
        succeeded: true,
        nonce: null,
        minedTransaction: batch?.minedTransaction,
        minedBlock: batch?.minedBlock,
      });
    }
    expect(await deps.submit.latestNonce()).toBe(nonce + 1);
  });

  it("alone: one that is due by itself, and one that failed before", async () => {
    const lone = await plan("a");
    await drive();
    expect(await one(lone)).toMatchObject({ state: "signed" });
    const [again, fresh] = [await plan("b", 1), await plan("c")];
    await drive();
    expect(await batches()).toEqual([]);
    expect([(await one(again)).state, (await one(fresh)).state]).toEqual(["signed", "signed"]);
  });

  it("refused: one that another operator settled first is named, and does not hold up the others", async () => {
    const [late, other] = [await plan("a"), await plan("b")];
    await drive();
    await forgetMempool();
    await client.sendTransaction({ to: board, data: late.data, gas: 150_000n });
    await mine();
    await drive(5_000);
    await mine();
    await drive();
    expect(await one(late)).toMatchObject({ state: "mined", succeeded: false });
    expect((await one(late)).reason).toMatch(/^refused: RequestNotOpen\(0x[0-9a-f]{64}, 3\)$/);
    expect(await one(other)).toMatchObject({ state: "mined", succeeded: true });
    expect(await by(other)).toBe(account.address);
  });

  it("a reorg: the batch and its settlements are taken back, and land once", async () => {
    const entries = [await plan("a"), await plan("b")];
    await drive();
    await mine();
    await drive();
    const block = await client.getBlockNumber();
    await client.request({ method: "anvil_rollback", params: [1] } as never);
    await forgetMempool();
    await mine();
    await subject.store.rewind(block - 1n);
    expect((await Promise.all(entries.map(one))).map(({ state }) => state)).toEqual(["batched", "batched"]);
    expect(await batches()).toMatchObject([{ state: "signed" }]);
    await drive(5_000);
    await mine();
    await drive();
    expect(await batches()).toMatchObject([{ state: "mined", attempts: [{}] }]);
    for (const entry of entries) expect(await one(entry)).toMatchObject({ state: "mined", succeeded: true });
  });

  it("a reorg that nobody reported: the same", async () => {
    const entries = [await plan("a"), await plan("b")];
    await drive();
    await mine();
    await drive();
    await client.request({ method: "anvil_rollback", params: [1] } as never);
    await forgetMempool();
    await mine();
    await drive(30_000);
    await drive(5_000);
    await mine();
    await drive();
    for (const entry of entries) {
      expect(await one(entry)).toMatchObject({ state: "mined", succeeded: true });
      expect(await by(entry)).toBe(account.address);
    }
  });

  it("dissolved: a nonce that went elsewhere; the settlements are sent anew", async () => {
    const entries = [await plan("a"), await plan("b")];
    await drive();
    const { sign, broadcast, fees, latestNonce } = deps.submit;
    const { maxFeePerGas, maxPriorityFeePerGas } = await fees();
    const bid = { maxFeePerGas: 3n * maxFeePerGas, maxPriorityFeePerGas: 3n * maxPriorityFeePerGas };
    const nonce = await latestNonce();
    const { raw } = await sign({ to: account.address, data: "0x", gas: 21_000n, nonce, ...bid });
    await broadcast(raw);
    await mine();
    await drive(16_000);
    await drive();
    expect((await batches()).map(({ state }) => state).sort()).toEqual(["abandoned", "signed"]);
    await mine();
    await drive();
    for (const entry of entries) expect(await one(entry)).toMatchObject({ state: "mined", succeeded: true });
  });

  it("a window: a lone settlement waits that long for company, and no longer", async () => {
    windowMs = 3_000;
    const lone = await plan("a");
    expect(await drive()).toBe(now + 3_000);
    expect((await one(lone)).state).toBe("planned");
    now += 1_000;
    const second = await plan("b");
    await drive(2_000);
    expect([(await one(lone)).state, (await one(second)).state]).toEqual(["batched", "batched"]);
  });

  it("apart: an account that cannot pay for both together pays for one", async () => {
    const { maxFeePerGas } = await deps.submit.fees();
    await client.setBalance({ address: account.address, value: 210_000n * maxFeePerGas });
    const entries = [await plan("a"), await plan("b")];
    await drive();
    expect(await batches()).toEqual([]);
    expect((await Promise.all(entries.map(one))).map(({ state }) => state).sort()).toEqual([
      "planned",
      "signed",
    ]);
  });
});

describe("what an endpoint is asked", () => {
  /** Counts questions; the chain answers them. */
  function counted() {
    const asked = { simulate: 0, call: 0 };
    const { submit } = deps;
    deps.submit = {
      ...submit,
      simulate: (...args) => {
        asked.simulate++;
        return submit.simulate(...args);
      },
      call: (...args) => {
        asked.call++;
        return submit.call(...args);
      },
    };
    return asked;
  }

  it("once for all that are due together", async () => {
    const asked = counted();
    const entries = [await plan("a"), await plan("b"), await plan("c")];
    await drive();
    expect(asked).toEqual({ simulate: 0, call: 1 });
    expect((await Promise.all(entries.map(one))).map(({ state }) => state)).toEqual(Array(3).fill("batched"));
    const [batch] = await batches();
    expect(batch?.gas).toBe(3n * 200_000n + 60_000n);
  });

  it("alone about one that would be refused: it waits with its reason, and the others go", async () => {
    const [late, ...others] = [await plan("a"), await plan("b"), await plan("c")];
    await client.sendTransaction({ to: board, data: late?.data, gas: 150_000n });
    await mine();
    deps.isNeeded = async () => true;
    const asked = counted();
    await drive();
    expect(asked).toEqual({ simulate: 1, call: 1 });
    expect(await one(late as OutboxEntry)).toMatchObject({
      state: "planned",
      reason: expect.stringMatching(/^it would revert: RequestNotOpen\(0x[0-9a-f]{64}, 3\)$/),
    });
    expect((await Promise.all(others.map(one))).map(({ state }) => state)).toEqual(["batched", "batched"]);
  });

  it("about each by itself where gas costs more than is repaid: what it uses is ours to pay", async () => {
    takings = { ...takings, maxGasPrice: GWEI / 1_000n, shareWei: 10n ** 16n, deadlineMs: now + 30_000 };
    const asked = counted();
    const entries = [await plan("a"), await plan("b")];
    await drive();
    expect(asked).toEqual({ simulate: 2, call: 0 });
    expect((await Promise.all(entries.map(one))).map(({ state }) => state)).toEqual(["batched", "batched"]);
  });

  it("about each by itself where the reserve was not made for what it may use: none is held back for a bound", async () => {
    // Repays what one uses, and not the 200,000 gas that it was planned with.
    const { baseFeePerGas, maxPriorityFeePerGas } = await deps.submit.fees();
    const maxGasPrice = baseFeePerGas + maxPriorityFeePerGas;
    takings = { ...takings, shareWei: 0n, maxGasPrice, reserveWei: 110_000n * maxGasPrice };
    const output: Hex = `0x${"ab".repeat(1_100)}`;
    const asked = counted();
    const entries = [await plan("a", 0, output), await plan("b", 0, output)];
    await drive();
    expect(asked).toEqual({ simulate: 2, call: 0 });
    expect((await Promise.all(entries.map(one))).map(({ state }) => state)).toEqual(["batched", "batched"]);
  });

  it("about each by itself when no answer comes for all", async () => {
    const asked = counted();
    deps.submit.call = async () => null;
    const entries = [await plan("a"), await plan("b")];
    await drive();
    expect(asked.simulate).toBe(2);
    expect((await Promise.all(entries.map(one))).map(({ state }) => state)).toEqual(["batched", "batched"]);
  });
});

describe("a settlement that would cost more than it pays", () => {
  it("held back with its reason, and sent when gas is cheaper", async () => {
    takings = { ...takings, shareWei: 0n, maxGasPrice: 3n * GWEI };
    await client.setNextBlockBaseFeePerGas({ baseFeePerGas: 20n * GWEI });
    await mine();
    const entry = await plan("a");
    await drive();
    const { state, reason } = await one(entry);
    expect(state).toBe("planned");
    expect(reason).toMatch(/^settlement\/costs-more-than-it-pays: \d+ gas at \d+ wei cost \d+ wei/);
    expect(held).toEqual([entry.key]);
    await drive(2_000);
    expect(held).toHaveLength(1);
    await client.setNextBlockBaseFeePerGas({ baseFeePerGas: GWEI });
    await mine();
    await drive(2_000);
    expect(await one(entry)).toMatchObject({ state: "signed", reason: null, maxFeePerGasCap: 3n * GWEI });
  });

  it("sent before its deadline: our share pays for gas above the request's price", async () => {
    takings = { ...takings, maxGasPrice: GWEI / 1_000n, shareWei: 10n ** 16n };
    const entry = await plan("a");
    await drive();
    expect((await one(entry)).state).toBe("planned");
    takings = { ...takings, deadlineMs: now + 30_000 };
    await drive(2_000);
    expect((await one(entry)).state).toBe("signed");
  });
});
