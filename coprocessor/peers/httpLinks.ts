import { randomBytes } from "node:crypto";
import type { RecordRefusal } from "../core/peerRecord.ts";
import type { Log } from "../observe/port.ts";
import { packFrames } from "./frames.ts";
import { HttpCaller } from "./httpCall.ts";
import { addWaiting, type Link, newLink, peerUrl, takeBatch } from "./httpLink.ts";
import { HELLO_NONCE_BYTES, type PeerKey, provePost, readHello } from "./httpProof.ts";

/** Milliseconds. */
export interface LinkTimes {
  /** Wait after the first failure; doubles up to `maxMs`. */
  minMs: number;
  maxMs: number;
  /** A peer that was told nothing for so long is posted an empty body, to see whether it is still there. */
  heartbeatMs: number;
}

export const defaultLinkTimes: LinkTimes = { minMs: 250, maxMs: 10_000, heartbeatMs: 2_000 };

export interface HttpLinksOptions {
  topic: string;
  key: PeerKey;
  /** Our own record; null while there is no operator to speak for. */
  ownRecord(): Promise<Uint8Array | null>;
  /** Null when the record proves that the peer is a bonded operator's. */
  judge(peer: string, record: Uint8Array): Promise<RecordRefusal | null>;
  times: LinkTimes;
  log: Log;
}

const TICK_MS = 100;
const CALL_TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 8 * 1024;
/** Addresses of one peer's record that are tried. */
const MAX_LEARNED = 2;

/** The peer's answer was no; `code` is its own word for why. */
class RefusedError extends Error {
  readonly status: number;

  constructor(status: number, reason: string) {
    super(`HTTP ${status}: ${reason}`);
    this.status = status;
  }
}

/**
 * Posts to every operator that we know an address of: those that we were given, and those that proven peers name in
 * their records.
 *
 * An address is asked first who is there. Nothing is posted to one that does not prove to be a bonded operator's peer,
 * so that naming an address costs whoever answers there one question at a time.
 */
export class HttpLinks {
  readonly #options: HttpLinksOptions;
  readonly #links = new Map<string, Link>();
  #given = new Set<string>();
  #refused = new Set<string>();
  #caller: HttpCaller | null = null;
  #ending = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: HttpLinksOptions) {
    this.#options = options;
  }

  /** Replaces the list. Endpoints that are no URL of ours are logged once by name and skipped. */
  setEndpoints(endpoints: readonly string[]): void {
    const refused = new Set<string>();
    const given = new Set<string>();
    for (const endpoint of endpoints) {
      const url = peerUrl(endpoint);
      if (url !== null) {
        given.add(url.href);
        const link = this.#links.get(url.href);
        if (link === undefined) this.#links.set(url.href, newLink(url, null));
        else link.learnedOf = null;
      } else {
        refused.add(endpoint);
        if (endpoint !== "" && !this.#refused.has(endpoint)) {
          const reason = "not an http:// or https:// address of a host";
          this.#options.log.warn({ endpoint: endpoint.slice(0, 256), reason }, "peer endpoint skipped");
        }
      }
    }
    for (const [href, link] of this.#links)
      if (link.learnedOf === null && !given.has(href)) this.#links.delete(href);
    this.#given = given;
    this.#refused = refused;
    this.#tick();
  }

  /** Takes addresses out of a proven peer's record, unless it is reached already; they replace those it named before. */
  learn(peer: string, addresses: readonly string[]): void {
    for (const link of this.#links.values()) if (link.peer === peer) return;
    const urls = addresses.slice(0, MAX_LEARNED).flatMap((address) => peerUrl(address) ?? []);
    for (const [href, { learnedOf }] of this.#links)
      if (learnedOf === peer && !urls.some((url) => url.href === href)) this.#links.delete(href);
    for (const url of urls) if (!this.#links.has(url.href)) this.#links.set(url.href, newLink(url, peer));
    this.#tick();
  }

  /** Drops the learned addresses of peers that are proven no more. */
  retain(isProven: (peer: string) => boolean): void {
    for (const [href, { learnedOf }] of this.#links)
      if (learnedOf !== null && !isProven(learnedOf)) this.#links.delete(href);
  }

  /** @returns to how many peers it is on its way. */
  publish(bytes: Uint8Array): number {
    const peers = this.#livePeers();
    for (const link of peers.values()) {
      addWaiting(link, bytes);
      if (!link.busy && performance.now() >= link.nextAt) void this.#post(link);
    }
    return peers.size;
  }

  /** Peers that took our last post. */
  connected(): string[] {
    return [...this.#livePeers().keys()];
  }

  start(): void {
    this.#ending = new AbortController();
    this.#caller = new HttpCaller();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#ending.abort();
    this.#caller?.close();
    this.#caller = null;
    for (const [href, link] of this.#links)
      if (this.#given.has(href)) this.#links.set(href, newLink(link.url, null));
      else this.#links.delete(href);
  }

  /** One link for each peer: an operator may be known by several addresses. */
  #livePeers(): Map<string, Link> {
    const peers = new Map<string, Link>();
    for (const link of this.#links.values())
      if (link.live && link.peer !== null && !peers.has(link.peer)) peers.set(link.peer, link);
    return peers;
  }

  #tick(): void {
    if (this.#caller === null) return;
    const now = performance.now();
    const live = this.#livePeers();
    for (const link of this.#links.values()) {
      if (link.busy || now < link.nextAt || link.peer === this.#options.key.peerId) continue;
      if (link.peer === null) void this.#meet(link);
      else if (live.has(link.peer) && live.get(link.peer) !== link) continue;
      else if (
        link.waiting.length > 0 ||
        !link.live ||
        now - link.postedAt >= this.#options.times.heartbeatMs
      )
        void this.#post(link);
    }
  }

  /** Asks who is there. */
  #meet(link: Link): Promise<void> {
    return this.#try(link, async () => {
      const { topic, key, judge } = this.#options;
      const nonce = randomBytes(HELLO_NONCE_BYTES);
      const url = at(link.url, `${topic}/peer`);
      url.searchParams.set("nonce", nonce.toString("hex"));
      const answer = await this.#call(url, { method: "GET" });
      const shown = await readHello(topic, nonce, answer);
      if (shown === null) throw new Error("its answer proves no peer");
      if (shown.peerId !== key.peerId) {
        if (link.learnedOf !== null && link.learnedOf !== shown.peerId)
          throw new Error(`${shown.peerId} is there and not ${link.learnedOf}`);
        const refusal = await judge(shown.peerId, shown.record);
        if (refusal !== null)
          throw new Error(`its record proves no operator: ${refusal.fault}, ${refusal.detail}`);
      }
      link.peer = shown.peerId;
    });
  }

  #post(link: Link): Promise<void> {
    return this.#try(link, async () => {
      const { topic, key, ownRecord } = this.#options;
      const record = await ownRecord();
      if (record === null) throw new Error("there is no operator to speak for");
      const batch = takeBatch(link);
      const body = packFrames(batch);
      const post = { to: link.peer as string, body, record, nowMs: Date.now() };
      const headers = await provePost(key, topic, post);
      try {
        await this.#call(at(link.url, `${topic}/messages`), { method: "POST", headers, body });
      } catch (error) {
        // It is there and wants less: what it did not take is said again by whoever said it.
        if (!(error instanceof RefusedError && error.status === 429)) throw error;
        link.nextAt = performance.now() + this.#options.times.minMs;
      }
      if (!link.live) this.#options.log.debug({ endpoint: link.url.href, peer: link.peer }, "peer connected");
      link.live = true;
      link.postedAt = performance.now();
    });
  }

  async #call(
    url: URL,
    call: { method: "GET" | "POST"; headers?: Record<string, string>; body?: Uint8Array },
  ): Promise<Buffer> {
    if (this.#caller === null) throw new Error("stopped");
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    const { status, body } = await this.#caller.call(url, { ...call, maxBytes: MAX_ANSWER_BYTES, signal });
    if (status < 200 || status > 299) throw new RefusedError(status, body.toString("utf8").slice(0, 256));
    return body;
  }

  async #try(link: Link, act: () => Promise<void>): Promise<void> {
    link.busy = true;
    const ending = this.#ending;
    try {
      await act();
      link.failures = 0;
    } catch (error) {
      if (ending.signal.aborted) return;
      this.#failed(link, error);
    } finally {
      link.busy = false;
    }
    if (!ending.signal.aborted) this.#tick();
  }

  #failed(link: Link, error: unknown): void {
    const { times, log } = this.#options;
    // Whoever is there next time may be somebody else.
    Object.assign(link, { live: false, peer: null, waiting: [], waitingBytes: 0 });
    link.failures += 1;
    const waitMs = Math.min(times.maxMs, times.minMs * 2 ** Math.min(link.failures - 1, 16));
    link.nextAt = performance.now() + waitMs * (0.75 + Math.random() / 2);
    const reason = error instanceof Error ? error.message || String(error) : String(error);
    const fields = { endpoint: link.url.href, failures: link.failures, reason };
    if (link.failures === 1) log.info(fields, "peer not reached, trying again");
    else log.debug(fields, "peer not reached, trying again");
  }
}

/** An address below a base, whether or not it ends with a slash. */
const at = (base: URL, path: string): URL => new URL(`${base.pathname.replace(/\/+$/, "")}/${path}`, base);
