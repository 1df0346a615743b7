import { isIP } from "node:net";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import type { Log } from "../observe/port.ts";

/** Milliseconds. */
export interface DialTimes {
  /** Wait after the first failure; doubles up to `maxMs`. */
  minMs: number;
  maxMs: number;
  /** A connection that does not share our topic after this is closed and made anew. */
  settleMs: number;
}

export const defaultDialTimes: DialTimes = { minMs: 250, maxMs: 10_000, settleMs: 5_000 };

/** What the dialer asks of the network; peers are named by peer id. */
export interface Dialling {
  self(): string;
  /** Own listen addresses without peer id. */
  ownAddresses(): string[];
  /** Opens a connection and says to whom. */
  dial(address: Multiaddr, signal: AbortSignal): Promise<string>;
  /** `talking`: shares our topic in both directions. */
  status(peer: string): "absent" | "connected" | "talking";
  hangUp(peer: string): Promise<void>;
}

interface Target {
  address: Multiaddr;
  /** Null until the first connection, for an address without a peer id. */
  peer: string | null;
  failures: number;
  repairs: number;
  nextAt: number;
  connectedAt: number | null;
  dialling: boolean;
}

/** How often connections are looked at; a lost peer is missed for at most this long. */
const TICK_MS = 100;
const DIAL_TIMEOUT_MS = 5_000;
/** Two peers that name each other would connect twice; the one with the higher id lets the other go first. */
const YIELD_MS = 200;

/**
 * Keeps connections to a list of multiaddrs.
 *
 * Every target is dialled again for ever, with back-off and jitter: operators come back. A connection over which
 * gossip does not flow (a stream that broke alone) is closed and made anew, ever more rarely.
 */
export class Dialer {
  readonly #network: Dialling;
  readonly #times: DialTimes;
  readonly #log: Log;
  #targets = new Map<string, Target>();
  #refused = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  constructor(network: Dialling, times: DialTimes, log: Log) {
    this.#network = network;
    this.#times = times;
    this.#log = log;
  }

  /** Replaces the list. Endpoints that cannot be dialled are logged once by name and skipped. */
  setEndpoints(endpoints: readonly string[]): void {
    const targets = new Map<string, Target>();
    const refused = new Set<string>();
    for (const endpoint of endpoints) {
      const known = this.#targets.get(endpoint);
      const target = known ?? this.#parse(endpoint, refused);
      if (target !== null) targets.set(endpoint, target);
    }
    this.#targets = targets;
    this.#refused = refused;
    if (this.#timer !== null) this.#tick();
  }

  /** Whether `peer` is one of the endpoints' peers. */
  knows(peer: string): boolean {
    for (const target of this.#targets.values()) if (target.peer === peer) return true;
    return false;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const target of this.#targets.values())
      Object.assign(target, { nextAt: 0, failures: 0, connectedAt: null });
  }

  #parse(endpoint: string, refused: Set<string>): Target | null {
    try {
      const address = multiaddr(endpoint);
      const parts = address.getComponents();
      if (!parts.some((part) => part.name === "tcp")) throw new Error("no tcp port in it");
      const peer = parts.findLast((part) => part.name === "p2p")?.value ?? null;
      return { address, peer, failures: 0, repairs: 0, nextAt: 0, connectedAt: null, dialling: false };
    } catch (error) {
      refused.add(endpoint);
      if (endpoint !== "" && !this.#refused.has(endpoint)) {
        this.#log.warn({ endpoint: endpoint.slice(0, 256), reason: message(error) }, "peer endpoint skipped");
      }
      return null;
    }
  }

  #tick(): void {
    const now = performance.now();
    for (const [endpoint, target] of this.#targets) {
      if (target.dialling || this.#isSelf(target)) continue;
      const status = target.peer === null ? "absent" : this.#network.status(target.peer);
      if (status === "talking") {
        Object.assign(target, { failures: 0, repairs: 0, connectedAt: now, nextAt: 0 });
      } else if (status === "connected") {
        target.connectedAt ??= now;
        const patienceMs = this.#times.settleMs * 2 ** Math.min(target.repairs, 6);
        if (now - target.connectedAt >= patienceMs && target.peer !== null) {
          target.repairs += 1;
          target.connectedAt = null;
          this.#log.debug({ endpoint, peer: target.peer }, "peer connected but silent, connecting anew");
          this.#network.hangUp(target.peer).catch(() => {});
        }
      } else {
        if (target.nextAt === 0) target.nextAt = now + this.#yieldMs(target);
        target.connectedAt = null;
        if (now >= target.nextAt) void this.#dial(endpoint, target);
      }
    }
  }

  async #dial(endpoint: string, target: Target): Promise<void> {
    target.dialling = true;
    const timer = this.#timer;
    try {
      const peer = await this.#network.dial(target.address, AbortSignal.timeout(DIAL_TIMEOUT_MS));
      if (target.peer === null) target.peer = peer;
      target.failures = 0;
      target.nextAt = performance.now() + this.#times.minMs;
      this.#log.debug({ endpoint, peer }, "peer connected");
    } catch (error) {
      // Stopped, or stopped and started again, meanwhile.
      if (this.#timer !== timer) return;
      target.failures += 1;
      const waitMs = Math.min(this.#times.maxMs, this.#times.minMs * 2 ** Math.min(target.failures - 1, 16));
      target.nextAt = performance.now() + waitMs * (0.75 + Math.random() / 2);
      const fields = { endpoint, failures: target.failures, reason: message(error) };
      if (target.failures === 1) this.#log.info(fields, "peer not reached, trying again");
      else this.#log.debug(fields, "peer not reached, trying again");
    } finally {
      target.dialling = false;
    }
  }

  #isSelf(target: Target): boolean {
    if (target.peer !== null) return target.peer === this.#network.self();
    return this.#network.ownAddresses().includes(target.address.toString());
  }

  #yieldMs(target: Target): number {
    return target.peer !== null && this.#network.self() > target.peer ? YIELD_MS : 0;
  }
}

/** `/ip4/…/tcp/…` or `/ip6/…/tcp/…`; null when `host` is no IP address. */
export function listenMultiaddr(host: string, port: number): string | null {
  const family = isIP(host === "localhost" ? "127.0.0.1" : host);
  if (family === 0) return null;
  return `/ip${family}/${host === "localhost" ? "127.0.0.1" : host}/tcp/${port}`;
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
