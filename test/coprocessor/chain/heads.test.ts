import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HeadHints } from "../../../coprocessor/chain/headHints.ts";
import { pollIntervalMs } from "../../../coprocessor/chain/pollInterval.ts";
import { createRpcChain } from "../../../coprocessor/chain/rpcChain.ts";
import { watchHeads } from "../../../coprocessor/rpc/headSocket.ts";
import { connectRpc } from "../../../coprocessor/rpc/rpcClient.ts";
import { type Anvil, startAnvil } from "../../../scripts/network/anvil.ts";
import { collectedLog } from "../collectedLog.ts";
import { waitUntil } from "../waitUntil.ts";
import { deployEmitters, type EmitterClient, emitterClient } from "./emitter.ts";
import { Follower } from "./follower.ts";

/** Longer than any test: what is seen before was announced. */
const NEVER_MS = 3_600_000;

describe("HeadHints", () => {
  test("a look is brought forward, until something was found or five looks were in vain", () => {
    const hints = new HeadHints();
    expect(hints.pauseMs(false)).toBeNull();
    hints.announce();
    hints.lookBegins();
    expect(hints.pauseMs(true)).toBeNull();
    hints.announce();
    const pauses = Array.from({ length: 6 }, () => {
      hints.lookBegins();
      return hints.pauseMs(false);
    });
    expect(pauses).toEqual([200, 200, 200, 200, null, null]);
  });

  test("one that comes during a look is worth another, whatever the look found", () => {
    const hints = new HeadHints();
    hints.lookBegins();
    hints.announce();
    expect(hints.pauseMs(true)).toBe(50);
    hints.lookBegins();
    expect(hints.pauseMs(true)).toBeNull();
  });

  test("whoever waits is woken, and nobody who has stopped waiting", () => {
    const hints = new HeadHints();
    let woken = 0;
    const forget = hints.onHint(() => {
      woken += 1;
    });
    hints.announce();
    forget();
    hints.announce();
    expect(woken).toBe(1);
  });
});

describe("pollIntervalMs", () => {
  const hintsAt = (nowMs: { current: number }) => new HeadHints(() => nowMs.current);

  test("a tenth of a second on loopback, else a quarter of the block time, within bounds", () => {
    expect(pollIntervalMs({ loopback: true, blockTimeMs: 12_000 })).toBe(100);
    const remote = (blockTimeMs: number | null) => pollIntervalMs({ loopback: false, blockTimeMs });
    expect([null, 12_000, 2_000, 100, 600_000].map(remote)).toEqual([1_000, 3_000, 500, 200, 4_000]);
  });

  test("a block time while heads are announced, and as before once one is overdue or nobody announces", () => {
    const now = { current: 0 };
    const hints = hintsAt(now);
    const poll = () => [
      pollIntervalMs({ loopback: true, blockTimeMs: 1_000, hints }),
      pollIntervalMs({ loopback: false, blockTimeMs: 2_000, hints }),
    ];
    expect(poll()).toEqual([100, 500]);
    hints.announce();
    expect(poll()).toEqual([1_000, 2_000]);
    now.current = 2_001;
    expect(poll()).toEqual([100, 2_000]);
    now.current = 4_001;
    expect(poll()).toEqual([100, 500]);
    hints.announce();
    hints.silence();
    expect(poll()).toEqual([100, 500]);
  });

  test("blocks in the same second, or hours apart: neither often nor late", () => {
    const now = { current: 0 };
    const hints = hintsAt(now);
    hints.announce();
    expect(pollIntervalMs({ loopback: true, blockTimeMs: 0, hints })).toBe(200);
    expect(pollIntervalMs({ loopback: true, blockTimeMs: 3_600_000, hints })).toBe(4_000);
    now.current = 30_001;
    expect(pollIntervalMs({ loopback: true, blockTimeMs: 3_600_000, hints })).toBe(100);
  });
});

describe("announced heads", () => {
  let anvil: Anvil;
  let client: EmitterClient;
  let log: ReturnType<typeof collectedLog>;
  let follower: Follower;
  const cleanups: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    anvil = await startAnvil({ noMining: true });
    client = emitterClient(anvil.url);
    log = collectedLog();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await anvil.stop();
  });

  /** Follows the chain, and hears of its heads at `port`. */
  async function follow(port: number, pollIntervalMs: number): Promise<void> {
    const deployed = deployEmitters(client);
    const contracts = await deployed;
    await client.mine({ blocks: 1 });
    const rpc = await connectRpc({ urls: [anvil.url], log });
    cleanups.push(() => rpc.close());
    const hints = new HeadHints();
    const socket = watchHeads({
      url: `ws://127.0.0.1:${port}`,
      onHead: () => hints.announce(),
      onLost: () => hints.silence(),
      log,
      firstPauseMs: 20,
      longestPauseMs: 80,
    });
    cleanups.push(() => socket.close());
    follower = new Follower();
    follower.start(
      await createRpcChain({ rpc, contracts, startBlock: 1n, pollIntervalMs, confirmations: 20, hints, log }),
    );
    cleanups.push(() => follower.stop());
    await waitUntil("the first block", () => (follower.cursor?.number ?? 0n) >= 1n);
  }

  async function mined(): Promise<void> {
    await client.mine({ blocks: 1 });
    const head = await client.getBlockNumber({ cacheTime: 0 });
    await waitUntil(`block ${head}`, () => follower.cursor?.number === head);
  }

  /** Announced from now on: the subscription takes a moment to stand. */
  async function announced(): Promise<void> {
    const before = follower.cursor?.number;
    const isFollowed = () => follower.cursor?.number !== before;
    const isAnnounced = async () => {
      await client.mine({ blocks: 1 });
      return waitUntil("the block", isFollowed, 500).then(
        () => true,
        () => false,
      );
    };
    await waitUntil("an announced block", isAnnounced, 30_000);
  }

  test("a new head is followed at once, without waiting for the poll", async () => {
    await follow(anvil.port, NEVER_MS);
    await announced();
    for (let block = 0; block < 5; block += 1) await mined();
    expect(warnings()).toEqual([]);
  }, 60_000);

  test("a connection that dies is made anew, and the chain is polled meanwhile", async () => {
    const relay = await startRelay(anvil.port);
    cleanups.push(() => relay.stop());
    await follow(relay.port, 100);
    await mined();
    await waitUntil("a connection", () => relay.connections() === 1);
    relay.refuse(true);
    await waitUntil("the loss to be said", () => warnings().includes("rpc/heads-lost"));
    for (let block = 0; block < 3; block += 1) await mined();
    await waitUntil("three tries", () => relay.refused() >= 3);
    // Once for the whole outage.
    expect(warnings().filter((code) => code === "rpc/heads-lost")).toHaveLength(1);
    relay.refuse(false);
    await waitUntil("announcements again", async () => {
      await client.mine({ blocks: 1 });
      return log.lines.some(({ message }) => message === "new heads are announced again");
    });
    await mined();
  });

  test("a server that announces nothing: the chain is polled", async () => {
    const deaf = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const port = await listening(deaf);
    cleanups.push(async () => void deaf.close());
    await follow(port, 50);
    for (let block = 0; block < 3; block += 1) await mined();
    await waitUntil("the loss to be said", () => warnings().includes("rpc/heads-lost"));
  });

  const warnings = () => log.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields.code);
});

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });

/** Passes TCP connections on, or drops them. */
async function startRelay(to: number) {
  const open = new Set<Socket>();
  let refusing = false;
  let refused = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (refusing) {
      refused += 1;
      socket.destroy();
      return;
    }
    const behind = connect(to, "127.0.0.1");
    behind.on("error", () => socket.destroy());
    open.add(socket);
    socket.on("close", () => {
      open.delete(socket);
      behind.destroy();
    });
    behind.on("close", () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  const port = await listening(server);
  return {
    port,
    connections: () => open.size,
    refused: () => refused,
    refuse(now: boolean) {
      refusing = now;
      if (now) for (const socket of open) socket.destroy();
    },
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
