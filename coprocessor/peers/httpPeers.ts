import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import type { OracleScope } from "../core/messages.ts";
import type { Log } from "../observe/port.ts";
import { BUNDLE_GAP_MS, createBundler } from "./bundler.ts";
import { peerUrl } from "./httpLink.ts";
import { defaultLinkTimes, HttpLinks, type LinkTimes } from "./httpLinks.ts";
import { type PeerKey, peerKeyFromSeed } from "./httpProof.ts";
import { type HttpListening, listenHttp } from "./httpServer.ts";
import { createIntake } from "./intake.ts";
import { gossipTopic } from "./libp2pPeers.ts";
import { defaultPeerLimits, type PeerLimits } from "./limits.ts";
import { listenError } from "./listenError.ts";
import type { Peers } from "./port.ts";
import { type PeerIdentity, RecordBook } from "./recordBook.ts";

export interface HttpPeersOptions {
  /** Whose messages these are; part of every path. */
  scope: OracleScope;
  /** 32 secret bytes, equal at every start: the peer id follows from them. */
  seed: Hex;
  /** Proves which operator we speak for, and judges others' proofs. */
  identity: PeerIdentity;
  /** Port 0 takes a free one. */
  listen: { host: string; port: number };
  /** URLs to tell others in place of the one that we listen on: behind a proxy, with TLS. */
  announce?: readonly string[];
  limits?: Partial<PeerLimits>;
  times?: Partial<LinkTimes>;
  log: Log;
}

/** How often kept records are held against the registry. */
const REFRESH_MS = 2_000;

/**
 * Peers over plain HTTP, for networks where gossip is blocked: every message is posted to every operator.
 *
 * Only bonded operators speak and are spoken to: each post is signed by the key that the peer id names, and the peer's
 * record by the operator's attester. Nothing is passed on, so operators that cannot reach each other hear nothing of
 * each other. `start` throws as `libp2pPeers` does, and `publish` too; so does this function for a bad address.
 */
export function createHttpPeers(options: HttpPeersOptions): Peers {
  const limits: PeerLimits = { ...defaultPeerLimits, ...options.limits };
  const { log, scope } = options;
  const topic = gossipTopic(scope);
  const seed = Buffer.from(options.seed.slice(2), "hex");
  if (seed.length !== 32)
    throw invalid("peers/bad-seed", `peer identity needs a seed of 32 bytes, got ${seed.length}`);
  const announce = options.announce ?? [];
  const wrong = announce.find((address) => peerUrl(address) === null);
  if (wrong !== undefined)
    throw invalid(
      "peers/bad-announce-address",
      `${wrong.slice(0, 256)} is not an http:// or https:// address`,
    );

  const book = new RecordBook(scope, options.identity);
  // Addresses that prove nothing have a stranger's budget to fail with.
  const isTrusted = (peer: string) => book.isProven(peer);
  const intake = createIntake({ limits, isTrusted, onBan: () => {}, log });
  const { traffic } = intake;
  let running: { server: HttpListening; links: HttpLinks; timer: NodeJS.Timeout } | null = null;
  let endpoints: readonly string[] = [];

  const addresses = (url: string): string[] => (announce.length > 0 ? [...announce] : [url]);

  /** What others may dial; an address that stands for all of a machine's is none. */
  const dialable = (url: string): string[] =>
    announce.length > 0 || !/\/\/(0\.0\.0\.0|\[::\]):/.test(url) ? addresses(url) : [];

  async function refresh(links: HttpLinks): Promise<void> {
    try {
      await book.refresh();
      for (const peer of book.peers()) if (!book.isProven(peer)) book.forget(peer);
      links.retain(isTrusted);
    } catch (error) {
      log.warn({ err: error }, "peers' records could not be held against the registry");
    }
  }

  const bundler = createBundler({ gapMs: BUNDLE_GAP_MS, fitting: intake.fitting, send });

  async function send(bodies: readonly Uint8Array[]): Promise<void> {
    const messages = bodies.length;
    if (running === null) return log.debug({ messages }, "not sent, peers are stopped");
    const recipients = running.links.publish(intake.bundle(bodies));
    traffic.published += messages;
    traffic.sent += messages * recipients;
    if (recipients === 0) log.debug({ messages }, "nobody to send to");
  }

  return {
    async start(onMessage) {
      if (running !== null) throw invalid("peers/already-started", "peers are started already");
      const key: PeerKey = await peerKeyFromSeed(seed);
      let url = "";
      const ownRecord = () => book.own(key.peerId, dialable(url));
      const links = new HttpLinks({
        topic,
        key,
        ownRecord,
        async judge(peer, record) {
          const refusal = await book.take(peer, record);
          if (refusal !== null) book.forget(peer);
          return refusal;
        },
        times: { ...defaultLinkTimes, ...options.times },
        log,
      });
      let server: HttpListening;
      try {
        server = await listenHttp(
          {
            topic,
            key,
            book,
            intake,
            limits,
            ownRecord,
            onPeer: (peer) => links.learn(peer, book.recordOf(peer)?.addresses ?? []),
            onMessage(peer, bytes) {
              intake
                .receive(peer, bytes, onMessage)
                .catch((err) => log.error({ err }, "peer message failed"));
            },
            log,
          },
          options.listen,
        );
      } catch (error) {
        throw listenError(error, options.listen);
      }
      url = server.url;
      links.setEndpoints(endpoints);
      links.start();
      running = { server, links, timer: setInterval(() => void refresh(links), REFRESH_MS) };
      log.info({ topic, addresses: this.addresses(), peer: key.peerId }, "peers listening");
    },

    async publish(message) {
      const body = intake.encode(message);
      if (running !== null) return bundler.add(body);
      log.debug({ kind: message.kind, requestId: message.requestId }, "not sent, peers are stopped");
    },

    connect(list) {
      endpoints = [...list];
      running?.links.setEndpoints(endpoints);
    },
    addresses: () => (running === null ? [] : addresses(running.server.url)),
    connected: () => running?.links.connected().length ?? 0,
    operators() {
      const ids = running?.links.connected().flatMap((peer) => book.recordOf(peer)?.operatorId ?? []) ?? [];
      return [...new Set(ids)].sort((a, b) => a - b);
    },
    traffic: () => ({ ...traffic }),

    async stop() {
      await bundler.flush();
      const stopping = running;
      running = null;
      if (stopping === null) return;
      clearInterval(stopping.timer);
      stopping.links.stop();
      await stopping.server.close();
      for (const peer of book.peers()) book.forget(peer);
    },
  };
}

const invalid = (code: string, text: string) => new CoprocessorError(text, { code, retry: "never" });
