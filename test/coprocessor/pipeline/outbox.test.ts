import { type Address, zeroAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OutboxEntry } from "../../../coprocessor/core/outbox.ts";
import { around } from "../../../coprocessor/observe/around.ts";
import { createOutboxDriver, driveOutbox } from "../../../coprocessor/pipeline/outbox.ts";
import type { OutboxDeps } from "../../../coprocessor/pipeline/outboxDeps.ts";
import { connectRpc, type RpcClient } from "../../../coprocessor/rpc/rpcClient.ts";
import { createViemSender } from "../../../coprocessor/submit/viemSender.ts";
import { type Anvil, startAnvil } from "../../../scripts/network/anvil.ts";
import { type EmitterClient, emitterClient } from "../chain/emitter.ts";
import { collectedLog } from "../collectedLog.ts";
import { type RpcProxy, startRpcProxy } from "../rpcProxy.ts";
import type { StoreUnderTest } from "../store/conformance.ts";
import { openEmbeddedStore } from "../store/embedded.ts";
import { outboxEntry } from "../store/fixtures.ts";
import { deploySettlementBoard, settleData, settledBy, settlementBoard } from "../submit/settlementBoard.ts";

/** anvil's second public development account; the first one deploys. */
const account = privateKeyToAccount("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");
const GWEI = 10n ** 9n;

let anvil: Anvil;
let proxy: RpcProxy;
let rpc: RpcClient;
let client: EmitterClient;
let board: Address;
let subject: StoreUnderTest;
let snapshot: `0x${string}`;
let deps: OutboxDeps;
let log: ReturnType<typeof collectedLog>;
/** The outbox's clock. */
let now = 1_000_000;

beforeAll(async () => {
  [anvil, subject] = await Promise.all([startAnvil({ noMining: true }), openEmbeddedStore()]);
  proxy = await startRpcProxy(anvil.url);
  client = emitterClient(anvil.url);
  board = await deploySettlementBoard(client);
  await client.mine({ blocks: 1 });
}, 60_000);

beforeEach(async () => {
  snapshot = await client.snapshot();
  await subject.clear();
  log = collectedLog();
  rpc = await connectRpc({ urls: [proxy.url], log });
  deps = {
    store: subject.store,
    submit: createViemSender({ rpc, account, errors: settlementBoard().abi }),
    log,
    isNeeded: async (key) => (await settledBy(client, board, idOf.get(key) as bigint)) === zeroAddress,
  };
});

afterEach(async () => {
  proxy.interfere(() => "pass");
  await rpc.close();
  await client.request({ method: "anvil_dropAllTransactions" } as never);
  await client.revert({ id: snapshot });
});

afterAll(async () => {
  await proxy?.stop();
  await Promise.all([anvil?.stop(), subject?.close()]);
});

const idOf = new Map<string, bigint>();

async function plan(id: bigint, changes: Partial<OutboxEntry> = {}): Promise<string> {
  const entry = outboxEntry(`settle-${id}`, {
    to: board,
    data: settleData(id),
    gas: 150_000n,
    maxFeePerGasCap: 100n * GWEI,
    createdAt: Number(id),
    ...changes,
  });
  idOf.set(entry.key, id);
  expect(await subject.store.insertOutbox(entry)).toBe(true);
  return entry.id;
}

async function entry(id: string): Promise<OutboxEntry> {
  const entries = await subject.store.outbox({ states: ["planned", "signed", "mined", "abandoned"] });
  const found = entries.find((candidate) => candidate.id === id);
  if (!found) throw new Error(`no entry ${id}`);
  return found;
}

/** Lets time pass on the outbox's clock only, then drives. */
async function drive(afterMs = 0): Promise<number> {
  now += afterMs;
  return driveOutbox(deps, now);
}

const mine = () => client.mine({ blocks: 1 });
const forgetMempool = () => client.request({ method: "anvil_dropAllTransactions" } as never);

/** A transaction of the same account that no outbox knows. */
async function spendNonceElsewhere(): Promise<void> {
  const { latestNonce, fees, sign, broadcast } = deps.submit;
  const { maxFeePerGas, maxPriorityFeePerGas } = await fees();
  const bid = { maxFeePerGas: 3n * maxFeePerGas, maxPriorityFeePerGas: 3n * maxPriorityFeePerGas };
  const { raw } = await sign({
    to: account.address,
    data: "0x",
    value: 0n,
    gas: 21_000n,
    nonce: await latestNonce(),
    ...bid,
  });
  await broadcast(raw);
  await mine();
}

describe("createOutboxDriver", () => {
  it("asks the chain with every block while something is owed, and else now and then", async () => {
    let looks = 0;
    const latestNonce = () => {
      looks += 1;
      return deps.submit.latestNonce();
    };
    const drive = createOutboxDriver({ ...deps, submit: { ...deps.submit, latestNonce } });
    const id = await plan(1n);
    await drive(now);
    await drive(now + 1);
    expect(looks).toBe(2);
    await mine();
    await drive(now + 2);
    expect((await entry(id)).state).toBe("mined");
    expect(looks).toBe(3);
    for (let block = 3; block < 10; block++) expect(await drive(now + block)).toBe(now + 2 + 30_000);
    expect(looks).toBe(3);
    await drive(now + 2 + 30_000);
    expect(looks).toBe(4);
    await plan(2n);
    await drive(now + 2 + 30_001);
    expect(looks).toBe(5);
    // A clock that was set back makes nobody wait longer.
    await drive(now);
    expect(looks).toBe(6);
  });
});

describe("driveOutbox", () => {
  it("planned, signed, sent, mined", async () => {
    const ids = [await plan(1n), await plan(2n), await plan(3n)];
    const first = await deps.submit.latestNonce();
    expect(await drive()).toBeGreaterThan(now);
    expect((await Promise.all(ids.map(entry))).map(({ state, nonce }) => [state, nonce])).toEqual([
      ["signed", first],
      ["signed", first + 1],
      ["signed", first + 2],
    ]);
    await mine();
    await drive();
    const block = await client.getBlockNumber();
    for (const id of ids) {
      const { state, succeeded, minedBlock, minedTransaction, attempts } = await entry(id);
      expect({ state, succeeded, minedBlock }).toEqual({
        state: "mined",
        succeeded: true,
        minedBlock: block,
      });
      expect(minedTransaction).toBe(attempts[0]?.hash);
    }
    expect(await settledBy(client, board, 3n)).toBe(account.address);
  });

  it("asked once: no receipt before its nonce is used up, and the store's signed entries once a round", async () => {
    let [receipts, reads] = [0, 0];
    const { submit, store } = deps;
    deps.submit = around(submit, {
      receipt(hash) {
        receipts += 1;
        return submit.receipt(hash);
      },
    });
    deps.store = around(store, {
      outbox(filter) {
        reads += 1;
        return store.outbox(filter);
      },
    });
    const ids = [await plan(1n), await plan(2n), await plan(3n)];
    await drive();
    await drive();
    expect({ receipts, reads }).toEqual({ receipts: 0, reads: 2 });
    await mine();
    await drive();
    expect((await Promise.all(ids.map(entry))).map(({ state }) => state)).toEqual(Array(3).fill("mined"));
    expect(receipts).toBe(3);
  });

  it("stored before sent: a transaction that no node took is sent as it was signed", async () => {
    proxy.interfere(({ method }) =>
      method === "eth_sendRawTransaction" ? { error: { code: -32_000, message: "txpool is full" } } : "pass",
    );
    const id = await plan(1n);
    await drive();
    const before = await entry(id);
    expect(before.state).toBe("signed");
    expect(log.codes()).toContain("submit/broadcast-failed");
    proxy.interfere(() => "pass");
    await drive(5_000);
    await mine();
    await drive();
    expect(await entry(id)).toMatchObject({
      state: "mined",
      succeeded: true,
      minedTransaction: before.attempts[0]?.hash,
    });
  });

  it("a mempool that forgot: every nonce is sent again from the chain's", async () => {
    const ids = [await plan(1n), await plan(2n), await plan(3n)];
    await drive();
    await forgetMempool();
    await drive(5_000);
    await mine();
    await drive();
    for (const id of ids)
      expect(await entry(id)).toMatchObject({ state: "mined", succeeded: true, attempts: [{}] });
  });

  it("abandoned: another operator settled before a nonce was taken", async () => {
    const id = await plan(1n);
    await client.sendTransaction({ to: board, data: settleData(1n), gas: 150_000n });
    await mine();
    const nonce = await deps.submit.latestNonce();
    await drive();
    expect(await entry(id)).toMatchObject({ state: "abandoned", nonce: null });
    expect(await deps.submit.latestNonce()).toBe(nonce);
  });

  it("carried through: another operator settled after a nonce was taken; it reverts and the next one lands", async () => {
    const late = await plan(1n);
    const next = await plan(2n);
    await drive();
    await forgetMempool();
    await client.sendTransaction({ to: board, data: settleData(1n), gas: 150_000n });
    await mine();
    await drive(5_000);
    await mine();
    await drive();
    expect(await entry(late)).toMatchObject({ state: "mined", succeeded: false });
    expect(await entry(next)).toMatchObject({ state: "mined", succeeded: true });
  });

  it("planned anew: the nonce went to a transaction that is not ours", async () => {
    const id = await plan(1n);
    await drive();
    const { nonce, attempts } = await entry(id);
    await spendNonceElsewhere();
    await drive(1_000);
    expect(await entry(id)).toMatchObject({ state: "signed", nonce });
    await drive(15_000);
    await drive();
    const anew = await entry(id);
    expect(anew).toMatchObject({ state: "signed", nonce: (nonce ?? 0) + 1 });
    expect(anew.attempts[0]?.hash).not.toBe(attempts[0]?.hash);
    await mine();
    await drive();
    expect(await entry(id)).toMatchObject({ state: "mined", succeeded: true });
  });

  it("replaced: the base fee rose above the bid; the dearer one lands, never above the cap", async () => {
    const id = await plan(1n);
    await drive();
    const [first] = (await entry(id)).attempts;
    await client.setNextBlockBaseFeePerGas({ baseFeePerGas: 20n * GWEI });
    await mine();
    await drive(5_000);
    expect((await entry(id)).attempts).toHaveLength(1);
    await drive(15_000);
    const { attempts } = await entry(id);
    expect(attempts).toHaveLength(2);
    expect(attempts[1]?.maxFeePerGas).toBeGreaterThanOrEqual(((first?.maxFeePerGas ?? 0n) * 9n) / 8n);
    expect(attempts[1]?.maxFeePerGas).toBeLessThanOrEqual(100n * GWEI);
    await mine();
    await drive();
    expect(await entry(id)).toMatchObject({
      state: "mined",
      succeeded: true,
      minedTransaction: attempts[1]?.hash,
    });
  });

  it("waits with its reason: the price is above the cap", async () => {
    const id = await plan(1n, { maxFeePerGasCap: 1n });
    await drive();
    expect(await entry(id)).toMatchObject({ state: "planned", attempts: [] });
    expect(JSON.stringify(log.lines.map(({ fields }) => fields))).toContain("above the cap of 1 wei");
  });

  it("waits: two settlements cannot be paid with money for one", async () => {
    const { maxFeePerGas } = await deps.submit.fees();
    await client.setBalance({ address: account.address, value: 150_000n * maxFeePerGas + 1n });
    const [rich, poor] = [await plan(1n), await plan(2n)];
    await drive();
    expect((await entry(rich)).state).toBe("signed");
    expect((await entry(poor)).state).toBe("planned");
    await client.setBalance({ address: account.address, value: 10n ** 18n });
    await drive(2_000);
    expect((await entry(poor)).state).toBe("signed");
  });

  it("a reorg that nobody reported: the transaction is sent again, and lands once", async () => {
    const id = await plan(1n);
    await drive();
    await mine();
    await drive();
    expect((await entry(id)).state).toBe("mined");
    await client.request({ method: "anvil_rollback", params: [1] } as never);
    await forgetMempool();
    await mine();
    expect(await settledBy(client, board, 1n)).toBe(zeroAddress);
    await drive(30_000);
    await drive(5_000);
    await mine();
    await drive();
    expect(await entry(id)).toMatchObject({ state: "mined", succeeded: true, attempts: [{}] });
    expect(await settledBy(client, board, 1n)).toBe(account.address);
  });

  it("a reorg that the follower reported: rewound rows are driven again", async () => {
    const id = await plan(1n);
    await drive();
    await mine();
    await drive();
    const block = await client.getBlockNumber();
    await client.request({ method: "anvil_rollback", params: [1] } as never);
    await forgetMempool();
    await mine();
    await subject.store.rewind(block - 1n);
    expect((await entry(id)).state).toBe("signed");
    await drive(5_000);
    await mine();
    await drive();
    expect(await entry(id)).toMatchObject({ state: "mined", succeeded: true });
  });

  it("a dead RPC: logged, nothing lost, gone on with later", async () => {
    const id = await plan(1n);
    proxy.breakWith(502);
    expect(await drive()).toBe(now + 2_000);
    expect(log.codes()).toContain("rpc/unreachable");
    proxy.breakWith(null);
    await drive(2_000);
    expect((await entry(id)).state).toBe("signed");
  });

  it("40 at once: at most 16 in flight, all land, each nonce once", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 40; index += 1) ids.push(await plan(BigInt(100 + index)));
    for (let round = 0; round < 6; round += 1) {
      await drive(2_000);
      expect((await subject.store.outbox({ states: ["signed"] })).length).toBeLessThanOrEqual(16);
      await mine();
    }
    await drive();
    const entries = await Promise.all(ids.map(entry));
    expect(entries.every(({ state, succeeded }) => state === "mined" && succeeded)).toBe(true);
    expect(new Set(entries.map(({ nonce }) => nonce)).size).toBe(40);
  });
});
