import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { multiaddr } from "@multiformats/multiaddr";
import { afterEach, describe, expect, test } from "vitest";
import type { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { OracleScope } from "../../../coprocessor/core/messages.ts";
import { createGossipNode, type GossipNode } from "../../../coprocessor/peers/gossipNode.ts";
import {
  createLibp2pPeers,
  gossipTopic,
  type Libp2pPeersOptions,
} from "../../../coprocessor/peers/libp2pPeers.ts";
import { defaultPeerLimits } from "../../../coprocessor/peers/limits.ts";
import { type PeerIdentity, RecordBook } from "../../../coprocessor/peers/recordBook.ts";
import { RecordExchange } from "../../../coprocessor/peers/recordExchange.ts";
import { collectedLog } from "../collectedLog.ts";
import { peersConformance } from "./conformance.ts";
import { isOperator, operatorIdentity } from "./identity.ts";
import { listening, repeatUntil, until } from "./network.ts";
import { bundled, commit } from "./samples.ts";

const scope: OracleScope = { chainId: 31_337, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" };
const topic = gossipTopic(scope);
const seedOf = (identity: number) => Buffer.alloc(32, identity);

/** A libp2p node that shares our protocols and none of our manners. */
async function rawNode(identity: number): Promise<GossipNode> {
  const node = await createGossipNode({
    seed: seedOf(identity),
    listen: "/ip4/127.0.0.1/tcp/0",
    announce: [],
    topic,
    limits: defaultPeerLimits,
    maxBundleBytes: 2_000_000,
    messagesIn: () => 1,
    denies: () => false,
    admits: () => true,
  });
  await node.libp2p.start();
  return node;
}

/** Has a raw node prove what it can. */
function showRecord(node: GossipNode, identity: PeerIdentity): RecordExchange {
  const exchange = new RecordExchange({
    topic,
    book: new RecordBook(scope, identity),
    admits: () => true,
    onOffence: () => {},
    log: collectedLog(),
  });
  void exchange.serve(node);
  return exchange;
}

async function stopRaw(libp2p: GossipNode["libp2p"]): Promise<void> {
  for (const connection of libp2p.getConnections()) connection.abort(new Error("stop"));
  await libp2p.stop();
}

peersConformance({
  name: "libp2pPeers",
  relays: true,
  create: ({ identity, port, limits, log }) =>
    createLibp2pPeers({
      scope,
      seed: `0x${seedOf(identity).toString("hex")}`,
      listen: { host: "127.0.0.1", port },
      log,
      ...(isOperator(identity) ? { identity: operatorIdentity(scope, identity) } : {}),
      // Waits that suit a test; the decisions are the same.
      dialTimes: { minMs: 50, maxMs: 400, settleMs: 1_500 },
      ...(limits ? { limits } : {}),
    }),
  encode: (message) => bundled(message),
  // Port 1 needs root to listen on, and nothing does.
  deadAddress: "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X",

  async attacker(identity) {
    const node = await rawNode(identity);
    const { libp2p, gossip } = node;
    const records = isOperator(identity) ? showRecord(node, operatorIdentity(scope, identity)) : null;
    gossip.subscribe(topic);
    const connected = () => libp2p.getConnections().some((connection) => connection.status === "open");
    return {
      connected,
      async connect(addresses) {
        for (const address of addresses) await libp2p.dial(multiaddr(address)).catch(() => {});
        // Either accepted, or refused after the handshake.
        await until("attacker is in or out", () => gossip.getSubscribers(topic).length > 0 || !connected());
      },
      async send(bytes) {
        await gossip.publish(topic, bytes);
      },
      async stop() {
        records?.stop();
        await stopRaw(libp2p);
      },
    };
  },
});

describe("libp2pPeers: what only libp2p has", { timeout: 60_000 }, () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((stop) => stop()));
  });

  async function node(identity: number, more: Partial<Libp2pPeersOptions> = {}) {
    const listener = await listening((log) =>
      createLibp2pPeers({
        scope,
        seed: `0x${seedOf(identity).toString("hex")}`,
        listen: { host: "127.0.0.1", port: 0 },
        log,
        dialTimes: { minMs: 50, maxMs: 400, settleMs: 300 },
        ...more,
      }),
    );
    open.push(() => listener.peers.stop());
    return listener;
  }

  test("identity: the peer id follows from the seed alone, and announced addresses carry it", async () => {
    const announce = ["/dns4/operator.example/tcp/9000"];
    const plain = await node(1);
    const peerId = plain.peers.addresses()[0]?.split("/p2p/")[1];
    const announcing = await node(1, { announce });
    expect(announcing.peers.addresses()).toEqual([`/dns4/operator.example/tcp/9000/p2p/${peerId}`]);
    expect((await node(2)).peers.addresses()[0]).not.toContain(String(peerId));
  });

  test("oracles: peers of another oracle or chain share no messages", async () => {
    const a = await node(1);
    const b = await node(2);
    const elsewhere = await node(3, { scope: { ...scope, chainId: 1 } });
    for (const n of [a, elsewhere]) n.peers.connect(b.peers.addresses());
    await until("connected", () => a.peers.connected() === 1);
    await elsewhere.peers.publish(commit(1));
    await repeatUntil(
      "own oracle",
      () => a.peers.publish(commit(2)),
      () => b.times(commit(2)) > 0,
    );
    expect(b.times(commit(1))).toBe(0);
    expect(elsewhere.peers.connected()).toBe(0);
  });

  test("silent connection: it is made anew, and gossip flows once the peer answers", async () => {
    const { libp2p, gossip } = await rawNode(9);
    open.push(() => stopRaw(libp2p));
    let lost = 0;
    libp2p.addEventListener("peer:disconnect", () => lost++);
    const a = await node(1);
    a.peers.connect(libp2p.getMultiaddrs().map(String));
    await until("hung up twice", () => lost >= 2);
    gossip.subscribe(topic);
    await until("talking", () => a.peers.connected() === 1);
  });

  test("idle strangers: they give their places to who shares the topic", async () => {
    const a = await node(1, { limits: { maxStrangers: 2, idleStrangerMs: 200 } });
    const [address = ""] = a.peers.addresses();
    const idle = [await rawNode(10), await rawNode(11)];
    for (const { libp2p } of idle) {
      open.push(() => stopRaw(libp2p));
      await libp2p.dial(multiaddr(address));
    }
    const newcomer = await node(2);
    newcomer.peers.connect([address]);
    await until("newcomer is in", () => a.peers.connected() === 1);
  });

  test("bad options: refused by name before anything is opened", () => {
    const log = collectedLog();
    const good = {
      scope,
      seed: `0x${"11".repeat(32)}`,
      listen: { host: "127.0.0.1", port: 0 },
      log,
    } as const;
    const code = (more: Partial<Libp2pPeersOptions>) => {
      try {
        createLibp2pPeers({ ...good, ...more });
        return null;
      } catch (error) {
        return (error as CoprocessorError).code;
      }
    };
    expect(code({})).toBe(null);
    expect(code({ seed: "0x1234" })).toBe("peers/bad-seed");
    expect(code({ listen: { host: "example.org", port: 0 } })).toBe("peers/bad-listen-address");
  });

  test("listening: an address of another machine is a named error", async () => {
    // TEST-NET-1 is nobody's.
    const elsewhere = node(1, { listen: { host: "192.0.2.1", port: 0 } });
    await expect(elsewhere).rejects.toMatchObject({ code: "peers/address-not-available", retry: "never" });
  });

  test("stop: nothing is left that keeps the process alive", async () => {
    const script = fileURLToPath(new URL("./stopAndEnd.ts", import.meta.url));
    const child = fork(script, { execArgv: ["--import", "tsx"], stdio: ["ignore", "pipe", "pipe", "ipc"] });
    const stopped = once(child, "message");
    const ended = once(child, "exit");
    expect((await stopped)[0]).toBe("stopped");
    const stoppedAt = performance.now();
    expect((await ended)[0]).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
  });
});
