import { type Address, getAddress, type Hex, pad } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FollowedContracts } from "../../../coprocessor/chain/decodeLog.ts";
import { createRpcChain, type RpcChainOptions } from "../../../coprocessor/chain/rpcChain.ts";
import { connectRpc, type RpcClient } from "../../../coprocessor/rpc/rpcClient.ts";
import { type Anvil, startAnvil } from "../../../scripts/network/anvil.ts";
import { collectedLog } from "../collectedLog.ts";
import { type RpcCall, type RpcProxy, startRpcProxy } from "../rpcProxy.ts";
import { waitUntil } from "../waitUntil.ts";
import {
  arbiterListed,
  deployEmitters,
  deployJury,
  EMITTER_JURY,
  type EmitterClient,
  emitterClient,
  openedRequest,
  proposalChallenged,
  redelivered,
  requestOpened,
} from "./emitter.ts";
import { Follower } from "./follower.ts";

let anvil: Anvil;
let client: EmitterClient;
let contracts: FollowedContracts;
let log: ReturnType<typeof collectedLog>;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  anvil = await startAnvil({ noMining: true });
  client = emitterClient(anvil.url);
  const deployed = deployEmitters(client);
  contracts = await deployed;
  await client.mine({ blocks: 1 });
  log = collectedLog();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await anvil.stop();
});

const connect = (...urls: string[]) => connectWith({ urls });

async function connectWith(options: { urls: string[]; quorum?: number }): Promise<RpcClient> {
  const rpc = await connectRpc({ ...options, log, timeoutMs: 2_000, connectTimeoutMs: 5_000 });
  cleanups.push(() => rpc.close());
  return rpc;
}

async function follow(rpc: RpcClient, options: Partial<RpcChainOptions> = {}, follower = new Follower()) {
  const chain = await createRpcChain({
    rpc,
    contracts,
    startBlock: 1n,
    confirmations: 20,
    pollIntervalMs: 10,
    log,
    ...options,
  });
  follower.start(chain);
  cleanups.push(() => follower.stop());
  return follower;
}

async function proxy(): Promise<RpcProxy> {
  const started = await startRpcProxy(anvil.url);
  cleanups.push(() => started.stop());
  return started;
}

let salt = 0;

/** Mines one block with as many logs as said. */
async function mineLogs(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    salt += 1;
    await client.sendTransaction({ to: contracts.oracle, data: redelivered(salt), gas: 60_000n });
  }
  await client.mine({ blocks: 1 });
}

const place = (log: { blockHash: Hex | null; logIndex: number | null }) => `${log.blockHash}:${log.logIndex}`;

async function logsOnChain(): Promise<string[]> {
  const logs = await client.getLogs({
    address: Object.values(contracts) as Address[],
    fromBlock: 0n,
    toBlock: "latest",
  });
  return logs.map(place);
}

async function caughtUp(follower: Follower): Promise<void> {
  const head = await client.getBlock({ blockTag: "latest" });
  await waitUntil(`the follower is at block ${head.number}`, () => {
    if (follower.error) throw follower.error;
    return follower.cursor?.hash === head.hash;
  });
}

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

describe("following", () => {
  it("events in order, one step per block near the head, final ones told", async () => {
    const follower = await follow(await connect(anvil.url), { confirmations: 2 });
    for (const count of [1, 0, 3, 2]) await mineLogs(count);
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
    expect(follower.events).toHaveLength(6);
    await waitUntil(
      "finality two blocks behind",
      () => follower.finalized === (follower.cursor?.number ?? 0n) - 2n,
    );
    expect(follower.heads.map(({ number }) => number)).toEqual([3n, 4n, 5n]);
  });

  it("final by the chain's own tag, without `confirmations`", async () => {
    const rpc = await connect(anvil.url);
    const follower = new Follower();
    follower.start(await createRpcChain({ rpc, contracts, startBlock: 1n, pollIntervalMs: 10, log }));
    cleanups.push(() => follower.stop());
    await client.mine({ blocks: 70 });
    await caughtUp(follower);
    const final = await client.getBlock({ blockTag: "finalized" });
    expect(final.number).toBeGreaterThan(0n);
    await waitUntil("the tag's block is told", () => follower.finalized === final.number);
    expect(follower.heads[0]?.hash).toBe(final.hash);
  });

  it("a look that finds no new head costs one call, also after a restart", async () => {
    const rpc = await connect(anvil.url);
    const asked: unknown[] = [];
    const counted: typeof rpc = {
      ...rpc,
      request(answer, method, params) {
        asked.push(params[0]);
        return rpc.request(answer, method, params);
      },
    };
    let looks = 0;
    const onTurn = () => {
      looks += 1;
    };
    const options = { rpc: counted, contracts, startBlock: 1n, pollIntervalMs: 10, onTurn, log };
    const follower = new Follower();
    cleanups.push(() => follower.stop());
    await client.mine({ blocks: 70 });
    for (const start of ["first", "second"]) {
      follower.start(await createRpcChain(options));
      await caughtUp(follower);
      const from = looks;
      await waitUntil(`some looks of the ${start} start`, () => looks > from + 2);
      asked.length = 0;
      const before = looks;
      await waitUntil("more looks", () => looks > before + 5);
      await follower.stop();
      expect(new Set(asked)).toEqual(new Set(["latest"]));
      expect(asked.length).toBeGreaterThan(4);
    }
    expect(follower.finalized).toBeGreaterThan(0n);
  });

  it.each([1, 2, 3])("the chain's own order: seeded reorgs and restarts (seed %i)", async (seed) => {
    const below = random(seed);
    const rpc = await connect(anvil.url);
    const follower = await follow(rpc);
    for (let index = 0; index < 10; index += 1) await mineLogs(below(3));
    await caughtUp(follower);
    for (let round = 0; round < 14; round += 1) {
      const depth = 1 + below(8);
      const action = below(4);
      // Half of the time the node is down while the chain moves on: what was stored is all that the next start knows.
      const down = below(2) === 0;
      if (down) await follower.stop();
      if (action === 0) {
        await client.request({ method: "anvil_rollback", params: [depth] } as never);
        for (let index = 0; index < 1 + below(depth + 2); index += 1) await mineLogs(below(3));
      } else if (action === 1) {
        await client.request({ method: "anvil_reorg", params: [depth, []] } as never);
        await mineLogs(below(3));
      } else if (action === 2) {
        const snapshot = await client.snapshot();
        for (let index = 0; index < depth; index += 1) await mineLogs(below(3));
        if (!down) await caughtUp(follower);
        await client.revert({ id: snapshot });
        for (let index = 0; index < 1 + below(depth + 2); index += 1) await mineLogs(below(3));
      } else {
        for (let index = 0; index < depth; index += 1) await mineLogs(below(3));
      }
      if (down) await follow(rpc, { pollIntervalMs: 5 }, follower);
      await caughtUp(follower);
      expect(
        follower.events.map(({ position }) => place(position)),
        `seed ${seed}, round ${round}`,
      ).toEqual(await logsOnChain());
    }
    expect(follower.reorgs.length).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "ancestor exact: a reorg of depth %i, seen while it happens",
    async (depth) => {
      const follower = await follow(await connect(anvil.url));
      for (let index = 0; index < 10; index += 1) await mineLogs(1);
      await caughtUp(follower);
      const before = follower.cursor?.number ?? 0n;
      await client.request({ method: "anvil_reorg", params: [depth, []] } as never);
      await mineLogs(2);
      await caughtUp(follower);
      expect(follower.reorgs.map(({ number }) => number)).toEqual([before - BigInt(depth)]);
      expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
    },
  );

  it("waited for: a head that only fell back, until it differs", async () => {
    const follower = await follow(await connect(anvil.url));
    for (let index = 0; index < 4; index += 1) await mineLogs(1);
    await caughtUp(follower);
    await follower.stop();
    // A server that lags shows an older head of the same branch, and has nothing above it.
    const lagging = await proxy();
    const old = await client.request({ method: "eth_getBlockByNumber", params: ["0x2", false] } as never);
    lagging.interfere(({ method, params }) => {
      if (method !== "eth_getBlockByNumber") return "pass";
      if (params[0] === "latest") return { result: old };
      return Number(params[0]) > 2 ? { result: null } : "pass";
    });
    follower.start(
      await createRpcChain({
        rpc: await connect(lagging.url),
        contracts,
        startBlock: 1n,
        confirmations: 20,
        pollIntervalMs: 5,
        log,
      }),
    );
    await waitUntil("it looked many times", () => (lagging.calls.get("eth_getBlockByNumber") ?? 0) > 10);
    expect(follower.reorgs).toEqual([]);
    expect(follower.events).toHaveLength(4);
    lagging.interfere(() => "pass");
    await mineLogs(1);
    await caughtUp(follower);
    expect(follower.reorgs).toEqual([]);
    expect(follower.events).toHaveLength(5);
  });

  it("chain/reorg-too-deep: the oldest stored head is gone", async () => {
    const rpc = await connect(anvil.url);
    const follower = await follow(rpc, { confirmations: 3 });
    for (let index = 0; index < 10; index += 1) await mineLogs(1);
    await caughtUp(follower);
    await waitUntil("pruned", () => follower.heads.length === 4);
    await client.request({ method: "anvil_reorg", params: [6, []] } as never);
    await mineLogs(0);
    await waitUntil("it stopped", () => follower.error !== null);
    expect(follower.error).toMatchObject({ code: "chain/reorg-too-deep", retry: "never" });
  });

  it("malformed logs: logged, yielded as such, and followed by the rest", async () => {
    const follower = await follow(await connect(anvil.url));
    const { id } = openedRequest(1);
    for (const data of [
      requestOpened(1),
      requestOpened(2, { id }),
      requestOpened(3, { input: "0x1234" }),
      requestOpened(4, { data: "0x00" }),
      requestOpened(5),
    ]) {
      await client.sendTransaction({ to: contracts.oracle, data, gas: 200_000n });
    }
    // A right event from a contract that has no business to emit it is nobody's.
    await client.sendTransaction({ to: contracts.modelRegistry, data: requestOpened(6), gas: 200_000n });
    await client.mine({ blocks: 1 });
    await caughtUp(follower);
    expect(follower.events.map(({ type }) => type)).toEqual([
      "RequestOpened",
      "Malformed",
      "Malformed",
      "Malformed",
      "RequestOpened",
    ]);
    expect(log.codes().filter((code) => code === "chain/malformed-log")).toHaveLength(3);
  });
});

describe("arbiters", () => {
  it("followed from its first event on: a jury that the oracle lists while we follow", async () => {
    const follower = await follow(await connect(anvil.url));
    const chain = follower.chain;
    const jury = await deployJury(client);
    // Nobody listed it yet, so what it says is nobody's word.
    const unlisted = await challengeFrom(jury);
    await caughtUp(follower);
    await client.sendTransaction({ to: contracts.oracle, data: arbiterListed(1, jury), gas: 200_000n });
    await client.mine({ blocks: 1 });
    const listed = await challengeFrom(jury);
    await caughtUp(follower);
    const challenges = follower.events.filter(({ type }) => type === "ProposalChallenged");
    expect(challenges.map(({ position }) => position.blockNumber)).toEqual([listed]);
    expect(listed).toBeGreaterThan(unlisted);
    const arbiter = { index: 1, address: getAddress(jury), ...EMITTER_JURY };
    expect(challenges[0]).toMatchObject({ arbiter });
    expect(chain?.arbiter(1)).toEqual(arbiter);
    expect(chain?.arbiter(jury)).toEqual(arbiter);
    expect(chain?.arbiter(2)).toBeNull();
    expect(chain?.arbiter(contracts.oracle)).toBeNull();
  });

  it("not followed: an arbiter that is no jury", async () => {
    const follower = await follow(await connect(anvil.url));
    const nobody = pad("0xdead", { size: 20 });
    await client.sendTransaction({ to: contracts.oracle, data: arbiterListed(1, nobody), gas: 200_000n });
    await client.mine({ blocks: 1 });
    await caughtUp(follower);
    expect(follower.chain?.arbiter(1)).toBeNull();
    expect(log.lines.some(({ message }) => message.includes("no jury"))).toBe(true);
  });

  /** The block in which the contract emitted a challenge. */
  async function challengeFrom(jury: Address): Promise<bigint> {
    const block = (await client.getBlockNumber({ cacheTime: 0 })) + 1n;
    const data = proposalChallenged(getAddress(jury), Number(block));
    await client.sendTransaction({ to: jury, data, gas: 300_000n });
    await client.mine({ blocks: 1 });
    return block;
  }
});

describe("backfill", () => {
  it("a provider that limits ranges and results: everything is read, in larger steps far behind", async () => {
    for (let index = 0; index < 6; index += 1) {
      await mineLogs(2);
      await client.mine({ blocks: 60 });
    }
    const limited = await proxy();
    let refused = 0;
    limited.interfere(({ method, params }) => {
      const filter = params[0] as { fromBlock?: string; toBlock?: string } | undefined;
      if (method !== "eth_getLogs" || !filter?.fromBlock) return "pass";
      if (Number(filter.toBlock) - Number(filter.fromBlock) < 25) return "pass";
      refused += 1;
      return { error: { code: -32005, message: "query exceeds max block range 25" } };
    });
    const follower = await follow(await connect(limited.url));
    await caughtUp(follower);
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(12);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
    expect(follower.steps).toBeLessThan(120);
  });

  it("restarted half-way: no event twice, none lost", async () => {
    for (let index = 0; index < 20; index += 1) {
      await mineLogs(1);
      await client.mine({ blocks: 15 });
    }
    const rpc = await connect(anvil.url);
    const follower = await follow(rpc, { maxRangeBlocks: 10n });
    for (let restart = 0; restart < 5; restart += 1) {
      const steps = follower.steps;
      await waitUntil("some steps", () => follower.steps > steps + 2);
      await follower.stop();
      await follow(rpc, { maxRangeBlocks: 10n }, follower);
    }
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
  });
});

describe("endpoints", () => {
  it("an RPC that dies and returns: logged, then everything is there", async () => {
    const mortal = await proxy();
    const follower = await follow(await connect(mortal.url));
    await mineLogs(1);
    await caughtUp(follower);
    await mortal.die();
    await waitUntil("the failure is logged", () => log.codes().includes("chain/rpc-failed"));
    await mineLogs(2);
    await client.request({ method: "anvil_reorg", params: [2, []] } as never);
    await mineLogs(1);
    await mortal.revive();
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
    expect(follower.error).toBeNull();
  });

  it("failover: the second endpoint takes over from one that answers 503", async () => {
    const [first, second] = [await proxy(), await proxy()];
    const follower = await follow(await connect(first.url, second.url));
    await mineLogs(1);
    await caughtUp(follower);
    expect(second.calls.size).toBe(0);
    first.breakWith(503);
    await mineLogs(1);
    await caughtUp(follower);
    expect(second.calls.get("eth_getLogs")).toBeGreaterThan(0);
    expect(log.codes()).not.toContain("chain/rpc-failed");
  });

  it("a WebSocket URL does as well", async () => {
    const follower = await follow(await connect(anvil.url.replace("http:", "ws:")));
    await mineLogs(2);
    await caughtUp(follower);
    expect(follower.events).toHaveLength(2);
  });

  it("garbage answers are no events and no crash", async () => {
    const lying = await proxy();
    const follower = await follow(await connect(lying.url));
    lying.interfere(({ method }) => (method === "eth_getLogs" ? { result: [{ address: "0x12" }] } : "pass"));
    await mineLogs(1);
    await waitUntil("the failure is logged", () => log.codes().includes("chain/rpc-failed"));
    expect(follower.events).toEqual([]);
    lying.interfere(() => "pass");
    await caughtUp(follower);
    expect(follower.events).toHaveLength(1);
  });

  it("chain/wrong-chain: another chain id than configured", async () => {
    await expect(connectRpc({ urls: [anvil.url], chainId: 1, log })).rejects.toMatchObject({
      code: "chain/wrong-chain",
    });
  });

  it("an endpoint of another chain never serves, also as a stand-in", async () => {
    const other = await startAnvil({ chainId: 5 });
    cleanups.push(other.stop);
    const first = await proxy();
    const rpc = await connect(first.url, other.url);
    first.breakWith(500);
    const chain = await createRpcChain({ rpc, contracts, startBlock: 1n, log }).catch(
      (error: unknown) => error,
    );
    expect(chain).toMatchObject({ code: "rpc/unreachable" });
    expect(log.codes()).toContain("chain/wrong-chain");
  });

  it("chain/no-contract: names the address that holds no code", async () => {
    const rpc = await connect(anvil.url);
    const oracle = "0x00000000000000000000000000000000000000Fa" as const;
    const created = createRpcChain({ rpc, contracts: { ...contracts, oracle }, startBlock: 1n, log });
    await expect(created).rejects.toMatchObject({
      code: "chain/no-contract",
      meta: { name: "oracle", address: oracle },
    });
  });

  it("rpc/unreachable: nobody answers at start", async () => {
    const gone = await proxy();
    await gone.die();
    await expect(connectRpc({ urls: [gone.url], log, connectTimeoutMs: 300 })).rejects.toMatchObject({
      code: "rpc/unreachable",
      retry: "backoff",
    });
  });
});

describe("logs held to the block's header", () => {
  const isByHash = ({ method, params }: RpcCall) =>
    method === "eth_getLogs" && (params[0] as { blockHash?: string }).blockHash !== undefined;
  const omissions = () => log.lines.filter(({ fields }) => fields.code === "rpc/omitted-logs");

  it("rpc/omitted-logs: one endpoint that leaves logs out is caught by the receipts, which count", async () => {
    const middle = await proxy();
    const follower = await follow(await connect(middle.url));
    await mineLogs(2);
    await caughtUp(follower);
    expect(omissions()).toEqual([]);
    middle.interfere((call) => (isByHash(call) ? { result: [] } : "pass"));
    for (const count of [3, 0, 1]) await mineLogs(count);
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
    expect(omissions().map(({ fields }) => [fields.given, fields.proven])).toEqual([
      [0, 3],
      [0, 1],
    ]);
  });

  it("receipts that leave logs out too do not make the bloom: nothing is followed until they do", async () => {
    const middle = await proxy();
    const follower = await follow(await connect(middle.url));
    await mineLogs(1);
    await caughtUp(follower);
    middle.interfere((call) =>
      isByHash(call) || call.method === "eth_getBlockReceipts" ? { result: [] } : "pass",
    );
    await mineLogs(2);
    await waitUntil("the missing receipts are noticed", () =>
      log.lines.some(({ fields }) => /do not make its bloom/.test(String(fields.reason))),
    );
    expect(follower.events).toHaveLength(1);
    middle.interfere(() => "pass");
    await caughtUp(follower);
    expect(follower.events).toHaveLength(3);
  });

  it.each([-32_601, -32_004])(
    "an endpoint without receipts by block (%i): followed, and said so once",
    async (code) => {
      const middle = await proxy();
      middle.interfere(({ method }) =>
        method === "eth_getBlockReceipts" ? { error: { code, message: "no such method" } } : "pass",
      );
      const follower = await follow(await connect(middle.url));
      for (const count of [1, 2]) await mineLogs(count);
      await caughtUp(follower);
      expect(follower.events).toHaveLength(3);
      expect(log.lines.filter(({ fields }) => fields.code === "rpc/no-receipts")).toHaveLength(1);
    },
  );
});

describe("agreement between endpoints", () => {
  /** An endpoint that forgets every log. */
  async function liar(): Promise<RpcProxy> {
    const lying = await proxy();
    lying.interfere(({ method }) => (method === "eth_getLogs" ? { result: [] } : "pass"));
    return lying;
  }

  it("one liar of three: what two say is followed, and the liar is named and rests", async () => {
    const [lying, honest, other] = [await liar(), await proxy(), await proxy()];
    const rpc = await connectWith({ urls: [lying.url, honest.url, other.url], quorum: 2 });
    const follower = await follow(rpc);
    await mineLogs(3);
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
    const dissent = log.lines.find(({ fields }) => fields.code === "rpc/dissent");
    expect(dissent?.fields).toMatchObject({ endpoint: lying.url, method: "eth_getLogs" });
  });

  it("one liar of two: nothing is followed until they agree", async () => {
    const [lying, honest] = [await liar(), await proxy()];
    const follower = await follow(await connectWith({ urls: [lying.url, honest.url], quorum: 2 }));
    await mineLogs(2);
    await waitUntil("the contradiction is logged", () =>
      log.lines.some(({ fields }) => fields.cause === "rpc/disagreement"),
    );
    expect(follower.events).toEqual([]);
    lying.interfere(() => "pass");
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
    expect(follower.error).toBeNull();
  });

  it("one dead of three: the others are enough", async () => {
    const [dead, honest, other] = [await proxy(), await proxy(), await proxy()];
    const rpc = await connectWith({ urls: [dead.url, honest.url, other.url], quorum: 2 });
    const follower = await follow(rpc);
    await mineLogs(1);
    await caughtUp(follower);
    await dead.die();
    await mineLogs(2);
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
  });

  it("two dead of three: waited for, and said so", async () => {
    const [dead, gone, honest] = [await proxy(), await proxy(), await proxy()];
    const rpc = await connectWith({ urls: [dead.url, gone.url, honest.url], quorum: 2 });
    const follower = await follow(rpc);
    await dead.die();
    await gone.die();
    await mineLogs(1);
    await waitUntil("the lack is logged", () =>
      log.lines.some(({ fields }) => fields.cause === "rpc/too-few-answers"),
    );
    expect(follower.events).toEqual([]);
    await gone.revive();
    await caughtUp(follower);
    expect(follower.events).toHaveLength(1);
  });

  it("backfill: a liar's shortened ranges are outvoted too", async () => {
    const [lying, honest, other] = [await liar(), await proxy(), await proxy()];
    await mineLogs(4);
    await client.mine({ blocks: 200 });
    const rpc = await connectWith({ urls: [lying.url, honest.url, other.url], quorum: 2 });
    const follower = await follow(rpc);
    await caughtUp(follower);
    expect(follower.events.map(({ position }) => place(position))).toEqual(await logsOnChain());
  });

  it("rpc/bad-quorum: more agreement than endpoints", async () => {
    await expect(connectRpc({ urls: [anvil.url], quorum: 2, log })).rejects.toMatchObject({
      code: "rpc/bad-quorum",
      retry: "never",
    });
  });
});
