import { multiaddr } from "@multiformats/multiaddr";
import { afterEach, describe, expect, test } from "vitest";
import type { OracleScope } from "../../../coprocessor/core/messages.ts";
import type { PeerRecord, SignedPeerRecord } from "../../../coprocessor/core/peerRecord.ts";
import { createGossipNode, type GossipNode } from "../../../coprocessor/peers/gossipNode.ts";
import { createLibp2pPeers, gossipTopic } from "../../../coprocessor/peers/libp2pPeers.ts";
import { defaultPeerLimits, type PeerLimits } from "../../../coprocessor/peers/limits.ts";
import type { PeerIdentity } from "../../../coprocessor/peers/recordBook.ts";
import { answerWith, recordProtocol } from "../../../coprocessor/peers/recordExchange.ts";
import { encodeRecord, MAX_RECORD_BYTES } from "../../../coprocessor/peers/recordWire.ts";
import { operatorIdentity, signRecord } from "./identity.ts";
import { type Listener, listening, until } from "./network.ts";
import { bundled, commit } from "./samples.ts";

const scope: OracleScope = { chainId: 31_337, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" };
const topic = gossipTopic(scope);
const nowS = () => Math.floor(Date.now() / 1_000);

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((stop) => stop()));
});

async function node(
  identity: number,
  more: { limits?: Partial<PeerLimits>; identity?: PeerIdentity } = {},
): Promise<Listener> {
  const listener = await listening(
    (log) =>
      createLibp2pPeers({
        scope,
        seed: `0x${Buffer.alloc(32, identity).toString("hex")}`,
        identity: more.identity ?? operatorIdentity(scope, identity),
        listen: { host: "127.0.0.1", port: 0 },
        dialTimes: { minMs: 50, maxMs: 400, settleMs: 1_500 },
        log,
        ...(more.limits ? { limits: more.limits } : {}),
      }),
    (message) => (message.operatorId === 666 ? "reject" : "accept"),
  );
  open.push(() => listener.peers.stop());
  return listener;
}

/** A peer that answers with the bytes that it is given when it is asked for its record. */
async function showing(
  identity: number,
  bytes: (peerId: string) => Promise<Uint8Array>,
): Promise<GossipNode> {
  const raw = await createGossipNode({
    seed: Buffer.alloc(32, identity),
    listen: "/ip4/127.0.0.1/tcp/0",
    announce: [],
    topic,
    limits: defaultPeerLimits,
    maxBundleBytes: 2_000_000,
    messagesIn: () => 1,
    denies: () => false,
    admits: () => true,
  });
  await raw.libp2p.handle(recordProtocol(topic), async (stream) => {
    answerWith(stream, await bytes(raw.libp2p.peerId.toString()));
  });
  await raw.libp2p.start();
  raw.gossip.subscribe(topic);
  open.push(async () => {
    for (const connection of raw.libp2p.getConnections()) connection.abort(new Error("stop"));
    await raw.libp2p.stop();
  });
  return raw;
}

const recordOf = (peerId: string, more: Partial<PeerRecord> = {}): Promise<SignedPeerRecord> =>
  signRecord({
    ...scope,
    peerId,
    operatorId: 9,
    addresses: [],
    issuedAt: nowS(),
    expiresAt: nowS() + 1_800,
    ...more,
  });

const codes = ({ log }: Listener) => log.lines.map(({ fields }) => fields.code).filter(Boolean);

describe("peer records over libp2p", { timeout: 60_000 }, () => {
  test("two operators: each knows whose peer the other is, and no more once it is gone", async () => {
    const a = await node(1);
    const b = await node(2);
    a.peers.connect(b.peers.addresses());
    await until("a knows b", () => a.peers.operators().join() === "2");
    await until("b knows a", () => b.peers.operators().join() === "1");
    await b.peers.stop();
    await until("forgotten", () => a.peers.operators().length === 0);
  });

  test.each([
    ["expired", (id: string) => recordOf(id, { issuedAt: nowS() - 3_600, expiresAt: nowS() - 1_800 })],
    ["not-yet-valid", (id: string) => recordOf(id, { issuedAt: nowS() + 3_600, expiresAt: nowS() + 5_400 })],
    ["wrong-scope", (id: string) => recordOf(id, { chainId: 1 })],
    ["wrong-peer", () => recordOf("12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X")],
    ["unknown-operator", (id: string) => recordOf(id, { operatorId: 200 })],
    ["malformed", null],
  ] as const)("%s: named once in the log, and the peer stays a stranger", async (fault, record) => {
    const victim = await node(1);
    const raw = await showing(9, async (id) =>
      record === null ? Buffer.from("{}") : encodeRecord(await record(id)),
    );
    victim.peers.connect(raw.libp2p.getMultiaddrs().map(String));
    await until("refused", () => codes(victim).includes(`peers/record-${fault}`));
    expect(victim.peers.operators()).toEqual([]);
    expect(codes(victim)).toEqual([`peers/record-${fault}`]);
    expect(victim.log.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("endless record: it is not read to its end", async () => {
    const victim = await node(1);
    let asked = 0;
    const raw = await showing(9, async () => {
      asked += 1;
      return new Uint8Array(MAX_RECORD_BYTES * 8);
    });
    victim.peers.connect(raw.libp2p.getMultiaddrs().map(String));
    await until("asked again", () => asked >= 2);
    expect(victim.peers.operators()).toEqual([]);
    await until("still talking", () => victim.peers.connected() === 1);
  });

  test("renewal: a record that is half over is asked for again, and its peer stays the operator's", async () => {
    const victim = await node(1);
    const ages = [1_000, 0];
    let shown = 0;
    const raw = await showing(9, async (id) => {
      const issuedAt = nowS() - (ages[shown++] ?? 0);
      return encodeRecord(await recordOf(id, { issuedAt, expiresAt: issuedAt + 1_800 }));
    });
    victim.peers.connect(raw.libp2p.getMultiaddrs().map(String));
    await until("proven", () => victim.peers.operators().join() === "9");
    await until("renewed", () => shown === 2);
    expect(victim.peers.operators()).toEqual([9]);
  });

  test("registry: who loses its seat is a stranger again, on the same connection", async () => {
    let seated = true;
    const registry = operatorIdentity(scope, 1);
    const victim = await node(1, {
      identity: {
        ...registry,
        standingOf: async (id) => {
          const standing = await registry.standingOf(id);
          return standing === null ? null : { ...standing, seated };
        },
      },
    });
    const other = await node(2);
    victim.peers.connect(other.peers.addresses());
    await until("proven", () => victim.peers.operators().join() === "2");
    seated = false;
    await until("a stranger", () => victim.peers.operators().length === 0);
    expect(victim.peers.connected()).toBe(1);
    seated = true;
    await until("proven again", () => victim.peers.operators().join() === "2");
  });

  test("budget: a stranger has a share of an operator's", async () => {
    const limits = { messagesPerSecond: 160, messageBurst: 1_600, strangerShare: 1 / 16 };
    const heardOf = async (asOperator: boolean): Promise<number> => {
      const victim = await node(1, { limits });
      const raw = await showing(9, async (id) =>
        asOperator ? encodeRecord(await recordOf(id)) : new Uint8Array(1),
      );
      victim.peers.connect(raw.libp2p.getMultiaddrs().map(String));
      await until("judged", () => codes(victim).length > 0 || victim.peers.operators().length > 0);
      await until(
        "talking",
        () => victim.peers.connected() === 1 && raw.gossip.getSubscribers(topic).length > 0,
      );
      const startedAt = performance.now();
      for (let n = 0; n < 1_000; n++) {
        await raw.gossip.publish(topic, bundled(commit(n, 9)));
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const last = bundled(commit(5_000, 9));
      await raw.gossip.publish(topic, last);
      if (asOperator) await until("all", () => victim.heard.length === 1_001);
      else await until("some", () => victim.heard.length > 50);
      const seconds = (performance.now() - startedAt) / 1_000;
      // What the burst and the time since allow, and nothing more.
      if (!asOperator) expect(victim.heard.length).toBeLessThanOrEqual(100 + 10 * (seconds + 2));
      return victim.heard.length;
    };
    expect(await heardOf(true)).toBe(1_001);
    await heardOf(false);
  });

  test("places: strangers that proved nothing in time make room, operators keep theirs", async () => {
    const victim = await node(1, { limits: { maxStrangers: 2, idleStrangerMs: 300 } });
    const [address = ""] = victim.peers.addresses();
    const operator = await node(2);
    operator.peers.connect([address]);
    await until("the operator's peer is known", () => victim.peers.operators().join() === "2");
    const nothing = async () => new Uint8Array(1);
    for (let identity = 100; identity < 108; identity++) {
      const raw = await showing(identity, nothing);
      // Comes in at the latest when those before it have had their time.
      await until(
        `stranger ${identity}`,
        () => raw.gossip.getSubscribers(topic).length > 0 || dial(raw, address),
        5_000,
      );
    }
    expect(victim.peers.operators()).toEqual([2]);
    expect(operator.peers.operators()).toEqual([1]);
  });
});

/** Tries again each time that it was refused; false, so that it can stand in a condition. */
function dial(raw: GossipNode, address: string): false {
  if (raw.libp2p.getConnections().length === 0) raw.libp2p.dial(multiaddr(address)).catch(() => {});
  return false;
}
