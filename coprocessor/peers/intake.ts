import { hash, randomBytes } from "node:crypto";
import { CoprocessorError } from "../core/errors.ts";
import type { PeerMessage } from "../core/messages.ts";
import type { Log } from "../observe/port.ts";
import { createIngressLimit } from "./ingressLimit.ts";
import type { PeerLimits } from "./limits.ts";
import type { PeerTraffic, Verdict } from "./port.ts";
import { createRecentKeys } from "./recentKeys.ts";
import { claimedMessages, createWire, NONCE_BYTES, type WireFault } from "./wire.ts";

/** Contents remembered to tell quick repeats; beyond it the oldest is forgotten, and may be judged twice. */
const MAX_RECENT = 16_384;
const MAX_BANNED = 4_096;

/** A newer node's bundle is no offence; anything else that does not parse is. */
const VERDICT_ON_FAULT: Record<WireFault, Verdict> = {
  "too-large": "reject",
  malformed: "reject",
  "unknown-version": "ignore",
};

type Handler = (message: PeerMessage) => Promise<Verdict>;

/** What stands between a transport and the handler of messages: limits, parsing, quick repeats, bans. */
export interface Intake {
  readonly maxBundleBytes: number;
  readonly traffic: PeerTraffic;
  isBanned(peer: string): boolean;
  /** Takes messages and bytes off a peer's budget; false, and nothing may be read, when it is spent or the peer is out. */
  admits(peer: string, messages: number, bytes: number): boolean;
  /** Parses a bundle of a peer and has its messages judged, all at the same time. */
  receive(peer: string, bytes: Uint8Array, onMessage: Handler): Promise<Verdict>;
  /** Has a peer pay for something that nobody honest sends, beside messages. */
  charge(peer: string): void;
  /**
   * A message of our own, to be bundled.
   *
   * @throws CoprocessorError `peers/bad-message` for what every other node would refuse.
   */
  encode(message: PeerMessage): Uint8Array;
  /** How many of these messages, from the first on, go into one bundle. */
  fitting(bodies: readonly Uint8Array[]): number;
  /** A bundle of our own, with a fresh nonce; the echo of its messages is none of others'. */
  bundle(bodies: readonly Uint8Array[]): Uint8Array;
}

export interface IntakeOptions {
  limits: PeerLimits;
  /** Whether a peer has the whole of the budgets. */
  isTrusted(peer: string): boolean;
  /** Ends what connections the peer has. */
  onBan(peer: string): void;
  log: Log;
}

/** The verdict on one message of a bundle; `repeat` for one that was judged a moment ago. */
type Judgement = Verdict | "repeat";

export function createIntake({ limits, isTrusted, onBan, log }: IntakeOptions): Intake {
  const wire = createWire(limits.maxOutputBytes);
  const ingress = createIngressLimit(limits, isTrusted);
  const recent = createRecentKeys(limits.repeatGapMs, MAX_RECENT);
  const banned = createRecentKeys(limits.banMs, MAX_BANNED);
  const traffic: PeerTraffic = { published: 0, sent: 0, received: 0, copies: 0, copiedBytes: 0 };

  function banIfFlooding(peer: string, now: number): void {
    if (!ingress.isFlooding(peer, now) || !banned.add(peer, now)) return;
    log.warn({ peer, banMs: limits.banMs }, "peer sends more than its limit, disconnected");
    onBan(peer);
  }

  async function judge(
    peer: string,
    message: PeerMessage,
    key: string,
    onMessage: Handler,
  ): Promise<Judgement> {
    // Anybody can put a new nonce on somebody's message; what that buys ends here.
    if (!recent.add(key, performance.now())) return "repeat";
    try {
      return await onMessage(message);
    } catch (error) {
      log.error({ peer, err: error, kind: message.kind }, "peer message handler failed");
      return "ignore";
    }
  }

  /** Judges what is in a bundle, and says what that makes of the bundle. */
  async function judgeAll(
    peer: string,
    bytes: Uint8Array,
    onMessage: Handler,
  ): Promise<{ bundle: Verdict; each: Verdict[] }> {
    const decoded = wire.decode(bytes);
    if (!decoded.ok) {
      log.debug({ peer, fault: decoded.fault, detail: decoded.detail }, "peer message refused");
      const bundle = VERDICT_ON_FAULT[decoded.fault];
      return { bundle, each: [bundle] };
    }
    const { messages, unknown } = decoded;
    const keys = messages.map(({ body }) => contentKey(body));
    const judgements = await Promise.all(
      messages.map(({ message }, i) => judge(peer, message, keys[i] as string, onMessage)),
    );
    const bundle = verdictOn(judgements, unknown);
    // What is good in a bundle that goes no further must not be taken for a repeat where it comes in a good one.
    if (bundle !== "accept")
      for (const [i, key] of keys.entries()) if (judgements[i] === "accept") recent.forget(key);
    const ignored = Array<Verdict>(unknown).fill("ignore");
    return { bundle, each: [...judgements.map((one) => (one === "repeat" ? "ignore" : one)), ...ignored] };
  }

  return {
    maxBundleBytes: wire.maxBundleBytes,
    traffic,
    isBanned: (peer) => banned.has(peer, performance.now()),

    admits(peer, messages, bytes) {
      const now = performance.now();
      if (banned.has(peer, now)) return false;
      const admitted = ingress.admit(peer, messages, bytes, now);
      if (!admitted) banIfFlooding(peer, now);
      return admitted;
    },

    async receive(peer, bytes, onMessage) {
      const messages = claimedMessages(bytes);
      traffic.received += messages;
      if (!ingress.beginJudging(peer, messages, bytes.length, performance.now())) {
        banIfFlooding(peer, performance.now());
        return "ignore";
      }
      let verdicts: { bundle: Verdict; each: Verdict[] } = { bundle: "ignore", each: ["ignore"] };
      try {
        verdicts = await judgeAll(peer, bytes, onMessage);
      } finally {
        ingress.endJudging(peer, messages, bytes.length, verdicts.each, performance.now());
      }
      return verdicts.bundle;
    },

    charge(peer) {
      const now = performance.now();
      if (ingress.beginJudging(peer, 1, 0, now)) ingress.endJudging(peer, 1, 0, ["reject"], now);
      else banIfFlooding(peer, now);
    },

    encode(message) {
      try {
        return wire.encode(message);
      } catch (cause) {
        const { kind, requestId } = message;
        throw new CoprocessorError(`peer message cannot be sent: ${(cause as Error).message}`, {
          code: "peers/bad-message",
          retry: "never",
          meta: { kind, requestId, maxOutputBytes: limits.maxOutputBytes },
          cause,
        });
      }
    },

    fitting: wire.fitting,

    bundle(bodies) {
      const now = performance.now();
      for (const body of bodies) recent.add(contentKey(body), now);
      return wire.bundle(bodies, randomBytes(NONCE_BYTES));
    },
  };
}

/**
 * A bundle is passed on as a whole, on the word of whoever passes it on: so only if nothing new in it is worth less than
 * being passed on. Else one message of somebody honest would carry anything along, at the cost of who relays it.
 */
function verdictOn(judgements: readonly Judgement[], unknown: number): Verdict {
  if (judgements.includes("reject")) return "reject";
  if (unknown > 0 || judgements.includes("ignore")) return "ignore";
  return judgements.includes("accept") ? "accept" : "ignore";
}

const contentKey = (body: Uint8Array): string => hash("sha256", body, "base64");
