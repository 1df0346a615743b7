import type { GossipsubMessage } from "@libp2p/gossipsub";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import type { OracleScope, PeerMessage } from "../core/messages.ts";
import type { Log } from "../observe/port.ts";
import { BUNDLE_GAP_MS, createBundler } from "./bundler.ts";
import { Dialer, type DialTimes, defaultDialTimes, listenMultiaddr } from "./dialer.ts";
import { createGossipNode, type GossipNode } from "./gossipNode.ts";
import { createIntake } from "./intake.ts";
import { defaultPeerLimits, type PeerLimits } from "./limits.ts";
import { listenError } from "./listenError.ts";
import type { Peers, Verdict } from "./port.ts";
import { anonymous, type PeerIdentity, RecordBook } from "./recordBook.ts";
import { RecordExchange } from "./recordExchange.ts";
import { claimedMessages } from "./wire.ts";

export interface Libp2pPeersOptions {
  /** Whose messages these are; names the topic. */
  scope: OracleScope;
  /** 32 secret bytes, equal at every start: the peer id follows from them. */
  seed: Hex;
  /** Proves which operator we speak for, and judges others' proofs; when left out, nobody proves anything. */
  identity?: PeerIdentity;
  /** `host` is an IP address or `localhost`; port 0 takes a free one. */
  listen: { host: string; port: number };
  /** Multiaddrs to tell others in place of those that we listen on, for nodes behind NAT. */
  announce?: readonly string[];
  limits?: Partial<PeerLimits>;
  dialTimes?: Partial<DialTimes>;
  log: Log;
}

/** `stop` waits this long for an orderly end. */
const STOP_MS = 1_500;

export const gossipTopic = (scope: OracleScope): string =>
  `sibyl/1/${scope.chainId}/${scope.oracle.toLowerCase()}`;

/**
 * Gossip over libp2p: tcp, noise, yamux, gossipsub.
 *
 * `start` throws CoprocessorError `peers/port-in-use`, `peers/port-not-permitted`, `peers/address-not-available`,
 * `peers/listen-failed`; `publish` throws `peers/bad-message` for what every other node would refuse. May be started
 * again after `stop`.
 */
export function createLibp2pPeers(options: Libp2pPeersOptions): Peers {
  const limits: PeerLimits = { ...defaultPeerLimits, ...options.limits };
  const { log } = options;
  const topic = gossipTopic(options.scope);
  const seed = Buffer.from(options.seed.slice(2), "hex");
  if (seed.length !== 32)
    throw invalid("peers/bad-seed", `peer identity needs a seed of 32 bytes, got ${seed.length}`);
  const listen = listenMultiaddr(options.listen.host, options.listen.port);
  if (listen === null)
    throw invalid("peers/bad-listen-address", `${options.listen.host} is not an IP address`);

  let node: GossipNode | null = null;
  const book = new RecordBook(options.scope, options.identity ?? anonymous);
  const isTrusted = (peer: string) => book.isProven(peer);
  const intake = createIntake({ limits, isTrusted, onBan: (peer) => void disconnect(peer), log });
  const { traffic } = intake;
  const records = new RecordExchange({
    topic,
    book,
    admits: (peer) => intake.admits(peer, 1, 0),
    onOffence: (peer) => intake.charge(peer),
    log,
  });

  const dialer = new Dialer(
    {
      self: () => node?.libp2p.peerId.toString() ?? "",
      ownAddresses: () =>
        node?.libp2p.getMultiaddrs().map((address) => address.decapsulateCode(421).toString()) ?? [],
      dial: async (address: Multiaddr, signal: AbortSignal) => {
        if (node === null) throw new Error("stopped");
        return (await node.libp2p.dial(address, { signal })).remotePeer.toString();
      },
      status: (peer) => {
        if (node === null || !isConnected(node, peer)) return "absent";
        const heard = node.gossip.getSubscribers(topic).some((id) => id.toString() === peer);
        return heard && node.gossip.streamsOutbound.has(peer) ? "talking" : "connected";
      },
      hangUp: (peer) => disconnect(peer),
    },
    { ...defaultDialTimes, ...options.dialTimes },
    log,
  );

  /** Keeps places for operators' peers and for those that we were told of: strangers cannot take them all. */
  function denies(peer: string, direction: "inbound" | "outbound"): boolean {
    if (node === null || peer === node.libp2p.peerId.toString()) return true;
    if (intake.isBanned(peer)) return true;
    if (direction === "outbound" || dialer.knows(peer)) return false;
    const strangers = node.libp2p.getConnections().filter((c) => {
      const other = c.remotePeer.toString();
      return !dialer.knows(other) && !isTrusted(other);
    });
    if (strangers.length < limits.maxStrangers) return false;
    // Who had its time to prove something and did not gives way; first of all who came for something else than our topic.
    const talking = new Set(node.gossip.getSubscribers(topic).map(String));
    const late = strangers.filter((c) => Date.now() - c.timeline.open >= limits.idleStrangerMs);
    const leaving = late.find((c) => !talking.has(c.remotePeer.toString())) ?? late[0];
    leaving?.abort(new Error("place needed"));
    return leaving === undefined;
  }

  async function disconnect(peer: string): Promise<void> {
    const open = node?.libp2p.getConnections().filter((c) => c.remotePeer.toString() === peer) ?? [];
    for (const connection of open) connection.abort(new Error("disconnected"));
  }

  async function receive(
    from: GossipNode,
    { propagationSource, msgId, msg }: GossipsubMessage,
    onMessage: (m: PeerMessage) => Promise<Verdict>,
  ): Promise<void> {
    const peer = propagationSource.toString();
    const verdict = await intake.receive(peer, msg.data, onMessage);
    if (node === from) from.gossip.reportMessageValidationResult(msgId, peer, verdict);
  }

  const bundler = createBundler({ gapMs: BUNDLE_GAP_MS, fitting: intake.fitting, send });

  async function send(bodies: readonly Uint8Array[]): Promise<void> {
    const messages = bodies.length;
    if (node === null) return log.debug({ messages }, "not sent, peers are stopped");
    try {
      const { recipients } = await node.gossip.publish(topic, intake.bundle(bodies));
      traffic.published += messages;
      traffic.sent += messages * recipients.length;
      if (recipients.length === 0) log.debug({ messages }, "nobody to send to");
    } catch (err) {
      log.debug({ err, messages }, "not sent");
    }
  }

  return {
    async start(onMessage) {
      if (node !== null) throw invalid("peers/already-started", "peers are started already");
      const built = await createGossipNode({
        seed,
        listen,
        announce: options.announce ?? [],
        topic,
        limits,
        maxBundleBytes: intake.maxBundleBytes,
        messagesIn: claimedMessages,
        isOperator: isTrusted,
        denies,
        admits: intake.admits,
        onCopies(messages, bytes) {
          traffic.copies += messages;
          traffic.copiedBytes += bytes;
        },
      });
      node = built;
      built.gossip.addEventListener("gossipsub:message", (event) => {
        receive(built, event.detail, onMessage).catch((err) => log.error({ err }, "peer message failed"));
      });
      built.libp2p.addEventListener("peer:disconnect", (event) => {
        // The peer store never forgets by itself; strangers with new names would fill it.
        if (!dialer.knows(event.detail.toString()))
          built.libp2p.peerStore.delete(event.detail).catch(() => {});
      });
      try {
        await records.serve(built);
        await built.libp2p.start();
      } catch (error) {
        node = null;
        records.stop();
        await Promise.resolve(built.libp2p.stop()).catch(() => {});
        throw listenError(error, options.listen);
      }
      built.gossip.subscribe(topic);
      dialer.start();
      log.info({ topic, addresses: this.addresses() }, "peers listening");
    },

    async publish(message) {
      const body = intake.encode(message);
      if (node !== null) return bundler.add(body);
      log.debug({ kind: message.kind, requestId: message.requestId }, "not sent, peers are stopped");
    },

    connect: (endpoints) => dialer.setEndpoints(endpoints),
    addresses: () => node?.libp2p.getMultiaddrs().map(String) ?? [],
    traffic: () => ({ ...traffic }),
    connected: () => node?.gossip.getSubscribers(topic).length ?? 0,
    operators: () => book.operators(),

    async stop() {
      await bundler.flush();
      const stopping = node;
      node = null;
      dialer.stop();
      records.stop();
      if (stopping === null) return;
      for (const connection of stopping.libp2p.getConnections()) connection.abort(new Error("stopping"));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<"late">((resolve) => {
        timer = setTimeout(resolve, STOP_MS, "late");
      });
      const outcome = await Promise.race([stopping.libp2p.stop(), late]);
      clearTimeout(timer);
      if (outcome === "late")
        log.warn({ stopMs: STOP_MS }, "peers did not stop in time, left to close by themselves");
    },
  };
}

const isConnected = ({ libp2p }: GossipNode, peer: string): boolean =>
  libp2p.getConnections().some((c) => c.status === "open" && c.remotePeer.toString() === peer);

const invalid = (code: string, text: string) => new CoprocessorError(text, { code, retry: "never" });
