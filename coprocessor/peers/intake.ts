import { createHash, randomBytes } from "node:crypto";
import { CoprocessorError } from "../core/errors.ts";
import type { PeerMessage } from "../core/messages.ts";
import type { Log } from "../observe/port.ts";
import { createIngressLimit } from "./ingressLimit.ts";
import type { PeerLimits } from "./limits.ts";
import type { PeerTraffic, Verdict } from "./port.ts";
import { createRecentKeys } from "./recentKeys.ts";
import { createWire, NONCE_BYTES, type WireFault } from "./wire.ts";

/** Contents remembered to tell quick repeats; beyond it the oldest is forgotten, and may be judged twice. */
const MAX_RECENT = 16_384;
const MAX_BANNED = 4_096;

/** A newer node's message is no offence; anything else that does not parse is. */
const VERDICT_ON_FAULT: Record<WireFault, Verdict> = {
  "too-large": "reject",
  malformed: "reject",
  "unknown-version": "ignore",
  "unknown-kind": "ignore",
};

type Handler = (message: PeerMessage) => Promise<Verdict>;

/** What stands between a transport and the handler of messages: limits, parsing, quick repeats, bans. */
export interface Intake {
  readonly maxMessageBytes: number;
  readonly traffic: PeerTraffic;
  isBanned(peer: string): boolean;
  /** Takes messages and bytes off a peer's budget; false, and nothing may be read, when it is spent or the peer is out. */
  admits(peer: string, messages: number, bytes: number): boolean;
  /** Parses one message of a peer and has it judged. */
  receive(peer: string, bytes: Uint8Array, onMessage: Handler): Promise<Verdict>;
  /** Has a peer pay for something that nobody honest sends, beside messages. */
  charge(peer: string): void;
  /**
   * Bytes of a message of our own, with a fresh nonce; its echo is none of others'.
   *
   * @throws CoprocessorError `peers/bad-message` for what every other node would refuse.
   */
  encode(message: PeerMessage): Uint8Array;
}

export interface IntakeOptions {
  limits: PeerLimits;
  /** Whether a peer has the whole of the budgets. */
  isTrusted(peer: string): boolean;
  /** Ends what connections the peer has. */
  onBan(peer: string): void;
  log: Log;
}

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

  async function judge(peer: string, bytes: Uint8Array, onMessage: Handler): Promise<Verdict> {
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

  return {
    maxMessageBytes: wire.maxMessageBytes,
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
      traffic.received += 1;
      if (!ingress.beginJudging(peer, bytes.length, performance.now())) {
        banIfFlooding(peer, performance.now());
        return "ignore";
      }
      let verdict: Verdict = "ignore";
      try {
        verdict = await judge(peer, bytes, onMessage);
      } finally {
        ingress.endJudging(peer, bytes.length, verdict, performance.now());
      }
      return verdict;
    },

    charge(peer) {
      const now = performance.now();
      if (ingress.beginJudging(peer, 0, now)) ingress.endJudging(peer, 0, "reject", now);
      else banIfFlooding(peer, now);
    },

    encode(message) {
      try {
        const { bytes, body } = wire.encode(message, randomBytes(NONCE_BYTES));
        recent.add(contentKey(body), performance.now());
        return bytes;
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
  };
}

const contentKey = (body: Uint8Array): string => createHash("sha256").update(body).digest("base64");
