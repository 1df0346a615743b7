import { createHash, randomBytes } from "node:crypto";
import type { GossipsubMessage } from "@libp2p/gossipsub";
import type { Multiaddr } from "@multiformats/multiaddr";
import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import type { OracleScope, PeerMessage } from "../core/messages.ts";
import type { Log } from "../observe/port.ts";
import { Dialer, type DialTimes, defaultDialTimes, listenMultiaddr } from "./dialer.ts";
import { createGossipNode, type GossipNode } from "./gossipNode.ts";
import { createIngressLimit } from "./ingressLimit.ts";
import { defaultPeerLimits, type PeerLimits } from "./limits.ts";
import type { Peers, PeerTraffic, Verdict } from "./port.ts";
import { createRecentKeys } from "./recentKeys.ts";
import { createWire, NONCE_BYTES, type WireFault } from "./wire.ts";

export interface Libp2pPeersOptions {
  /** Whose messages these are; names the topic. */
  scope: OracleScope;
  /** 32 secret bytes, equal at every start: the peer id follows from them. */
  seed: Hex;
  /** `host` is an IP address or `localhost`; port 0 takes a free one. */
  listen: { host: string; port: number };
  /** Multiaddrs to tell others in place of those that we listen on, for nodes behind NAT. */
  announce?: readonly string[];
  limits?: Partial<PeerLimits>;
  dialTimes?: Partial<DialTimes>;
  log: Log;
}

/** Contents remembered to tell quick repeats; beyond it the oldest is forgotten, and may be judged twice. */
const MAX_RECENT = 16_384;
const MAX_BANNED = 4_096;
/** `stop` waits this long for an orderly end. */
const STOP_MS = 1_500;

/** A newer node's message is no offence; anything else that does not parse is. */
const VERDICT_ON_FAULT: Record<WireFault, Verdict> = {
  "too-large": "reject",
  malformed: "reject",
  "unknown-version": "ignore",
  "unknown-kind": "ignore",
};

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
  const wire = createWire(limits.maxOutputBytes);
  const ingress = createIngressLimit(limits);
  const recent = createRecentKeys(limits.repeatGapMs, MAX_RECENT);
  const banned = createRecentKeys(limits.banMs, MAX_BANNED);
  const seed = Buffer.from(options.seed.slice(2), "hex");
  if (seed.length !== 32)
    throw invalid("peers/bad-seed", `peer identity needs a seed of 32 bytes, got ${seed.length}`);
  const listen = listenMultiaddr(options.listen.host, options.listen.port);
  if (listen === null)
    throw invalid("peers/bad-listen-address", `${options.listen.host} is not an IP address`);

  let node: GossipNode | null = null;
  const traffic: PeerTraffic = { published: 0, sent: 0, received: 0, copies: 0, copiedBytes: 0 };

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

  /** Keeps places for the peers that we were told of: strangers cannot take them all. */
  function denies(peer: string, direction: "inbound" | "outbound"): boolean {
    if (node === null || peer === node.libp2p.peerId.toString()) return true;
    if (banned.has(peer, performance.now())) return true;
    if (direction === "outbound" || dialer.knows(peer)) return false;
    const strangers = node.libp2p.getConnections().filter((c) => !dialer.knows(c.remotePeer.toString()));
    if (strangers.length < limits.maxStrangers) return false;
    // Who came for something else than our topic gives way to who may have come for it.
    const talking = new Set(node.gossip.getSubscribers(topic).map(String));
    const idle = strangers.find(
      (c) => Date.now() - c.timeline.open >= limits.idleStrangerMs && !talking.has(c.remotePeer.toString()),
    );
    idle?.abort(new Error("place needed"));
    return idle === undefined;
  }

  async function disconnect(peer: string): Promise<void> {
    const open = node?.libp2p.getConnections().filter((c) => c.remotePeer.toString() === peer) ?? [];
    for (const connection of open) connection.abort(new Error("disconnected"));
  }

  function banIfFlooding(peer: string, now: number): void {
    if (!ingress.isFlooding(peer, now) || !banned.add(peer, now)) return;
    log.warn({ peer, banMs: limits.banMs }, "peer sends more than its limit, disconnected");
    void disconnect(peer);
  }

  function admits(peer: string, messages: number, bytes: number): boolean {
    const now = performance.now();
    if (banned.has(peer, now)) return false;
    const admitted = ingress.admit(peer, messages, bytes, now);
    if (!admitted) banIfFlooding(peer, now);
    return admitted;
  }

  async function judge(
    peer: string,
    bytes: Uint8Array,
    onMessage: (m: PeerMessage) => Promise<Verdict>,
  ): Promise<Verdict> {
    const decoded = wire.decode(bytes);
    if (!decoded.ok) {
      log.debug({ peer, fault: decoded.fault, detail: decoded.detail }, "peer message refused");
      return VERDICT_ON_FAULT[decoded.fault];
    }
    // Anybody can put a new nonce on somebody's message; what that buys ends here.
    if (!recent.add(contentKey(decoded.body), performance.now())) return "ignore";
    try {
      return await onMessage(decoded.message);
    } catch (error) {
      log.error({ peer, err: error, kind: decoded.message.kind }, "peer message handler failed");
      return "ignore";
    }
  }

  async function receive(
    from: GossipNode,
    { propagationSource, msgId, msg }: GossipsubMessage,
    onMessage: (m: PeerMessage) => Promise<Verdict>,
  ): Promise<void> {
    const peer = propagationSource.toString();
    traffic.received += 1;
    let verdict: Verdict = "ignore";
    if (ingress.beginJudging(peer, msg.data.length, performance.now())) {
      verdict = await judge(peer, msg.data, onMessage);
      ingress.endJudging(peer, msg.data.length, verdict, performance.now());
    } else {
      banIfFlooding(peer, performance.now());
    }
    if (node === from) from.gossip.reportMessageValidationResult(msgId, peer, verdict);
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
        maxMessageBytes: wire.maxMessageBytes,
        denies,
        admits,
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
        await built.libp2p.start();
      } catch (error) {
        node = null;
        await Promise.resolve(built.libp2p.stop()).catch(() => {});
        throw listenError(error, options.listen);
      }
      built.gossip.subscribe(topic);
      dialer.start();
      log.info({ topic, addresses: this.addresses() }, "peers listening");
    },

    async publish(message) {
      const nonce = randomBytes(NONCE_BYTES);
      let encoded: ReturnType<typeof wire.encode>;
      try {
        encoded = wire.encode(message, nonce);
      } catch (cause) {
        const meta = {
          kind: message.kind,
          requestId: message.requestId,
          maxOutputBytes: limits.maxOutputBytes,
        };
        throw new CoprocessorError(`peer message cannot be sent: ${(cause as Error).message}`, {
          code: "peers/bad-message",
          retry: "never",
          meta,
          cause,
        });
      }
      if (node === null) {
        log.debug({ kind: message.kind, requestId: message.requestId }, "not sent, peers are stopped");
        return;
      }
      recent.add(contentKey(encoded.body), performance.now());
      try {
        const { recipients } = await node.gossip.publish(topic, encoded.bytes);
        traffic.published += 1;
        traffic.sent += recipients.length;
        if (recipients.length > 0) return;
        log.debug({ kind: message.kind, requestId: message.requestId }, "nobody to send to");
      } catch (err) {
        log.debug({ err, kind: message.kind, requestId: message.requestId }, "not sent");
      }
    },

    connect: (endpoints) => dialer.setEndpoints(endpoints),
    addresses: () => node?.libp2p.getMultiaddrs().map(String) ?? [],
    traffic: () => ({ ...traffic }),
    connected: () => node?.gossip.getSubscribers(topic).length ?? 0,

    async stop() {
      const stopping = node;
      node = null;
      dialer.stop();
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

const contentKey = (body: Uint8Array): string => createHash("sha256").update(body).digest("base64");

const isConnected = ({ libp2p }: GossipNode, peer: string): boolean =>
  libp2p.getConnections().some((c) => c.status === "open" && c.remotePeer.toString() === peer);

const invalid = (code: string, text: string) => new CoprocessorError(text, { code, retry: "never" });

/** libp2p tells why it cannot listen in words only; Node's codes are in them. */
function listenError(cause: unknown, { host, port }: Libp2pPeersOptions["listen"]): CoprocessorError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const of = (code: string, fact: string) =>
    new CoprocessorError(fact, { code, retry: "never", meta: { host, port }, cause });
  if (text.includes("EADDRINUSE")) return of("peers/port-in-use", `peer port ${port} on ${host} is in use`);
  if (text.includes("EACCES"))
    return of("peers/port-not-permitted", `no permission to listen on peer port ${port}`);
  if (text.includes("EADDRNOTAVAIL"))
    return of("peers/address-not-available", `${host} is no address of this machine`);
  return of("peers/listen-failed", `peers cannot listen on ${host}:${port}: ${text}`);
}
