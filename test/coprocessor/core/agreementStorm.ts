import type { Hex } from "viem";
import { keccak256 } from "viem";
import type { CommitMessage, PeerMessage } from "../../../coprocessor/core/messages.ts";
import { propose } from "../../../coprocessor/core/proposal.ts";
import { mulberry32 } from "../../../scripts/adversary/random.ts";
import {
  commitOf,
  HonestOperator,
  type NetworkRules,
  REQUEST_ID,
  revealOf,
  saltOf,
} from "./agreementNetwork.ts";

/** What happens to the messages of one simulated request. Times are milliseconds from its opening. */
export interface Storm {
  network: NetworkRules;
  /** Honest operators and their own outputs. */
  outputs: ReadonlyMap<number, Hex>;
  /** Operators that say anything at any time to anybody. */
  cheats: readonly number[];
  /** Outputs that cheats claim, honest ones among them. */
  claims: readonly Hex[];
  /** Things that each cheat says. */
  cheatMessages: number;
  /** Cheats also put true medians of reveals that they choose forward, in many views, each to one honest operator. */
  cunning: boolean;
  /** Until then messages are lost, delayed and doubled; afterwards they only take some time. */
  healsAt: number;
  /** Shares of 1. */
  lost: number;
  doubled: number;
  maxDelayMs: number;
  /** Nothing passes between the first `cutOff` honest operators and the others before `healsAt`. */
  cutOff: number;
  endsAt: number;
  seed: number;
}

export interface Aftermath {
  honest: HonestOperator[];
  /** Everything that cheats said to anybody. */
  claimed: readonly PeerMessage[];
  settledAt: number | null;
}

/** Messages are handed over in steps of this, all that are due at once. */
const TICK_MS = 20;
const CALM_DELAY_MS = 60;
const REPEAT_MS = 1_000;
const MAX_REPEAT_MS = 8_000;
const CHEATING_ENDS_AT = 12_000;

interface Delivery {
  to: HonestOperator;
  message: PeerMessage;
}

/** Runs a request through a storm until somebody honest settles it, or the time is over. */
export function runStorm(storm: Storm): Aftermath {
  const random = mulberry32(storm.seed);
  const honest = [...storm.outputs.keys()].map((id) => new HonestOperator(id, storm.network));
  const due = new Map<number, Delivery[]>();
  const claimed: PeerMessage[] = [];
  const heardByCheats: PeerMessage[] = [];
  const inFirstPart = (id: number) => honest.findIndex((operator) => operator.id === id) < storm.cutOff;

  const deliver = (to: HonestOperator, message: PeerMessage, at: number) => {
    const tick = Math.ceil(at / TICK_MS);
    due.set(tick, [...(due.get(tick) ?? []), { to, message }]);
  };
  const send = (from: number, to: HonestOperator, message: PeerMessage, now: number) => {
    if (now >= storm.healsAt) return deliver(to, message, now + random() * CALM_DELAY_MS);
    const apart = storm.outputs.has(from) && inFirstPart(from) !== inFirstPart(to.id);
    if (apart || random() < storm.lost) return;
    const copies = random() < storm.doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) deliver(to, message, now + random() * storm.maxDelayMs);
  };
  const say = (from: HonestOperator, message: PeerMessage, now: number) => {
    heardByCheats.push(message);
    for (const to of honest) if (to !== from) send(from.id, to, message, now);
  };

  const cheating = storm.cheats
    .flatMap((id) =>
      Array.from({ length: storm.cheatMessages }, () => ({ id, at: random() * CHEATING_ENDS_AT })),
    )
    .sort((a, b) => a.at - b.at);
  const repeats = new Map(honest.map((operator) => [operator, { at: REPEAT_MS, everyMs: REPEAT_MS }]));
  let nextCheat = 0;

  for (let tick = 0; tick * TICK_MS <= storm.endsAt; tick++) {
    const now = tick * TICK_MS;
    for (; (cheating[nextCheat]?.at ?? Number.POSITIVE_INFINITY) <= now; nextCheat++) {
      const { id } = cheating[nextCheat] as { id: number };
      const message = invent(id, storm, [...heardByCheats, ...(storm.cunning ? claimed : [])], random);
      claimed.push(message);
      // Not all of them: different operators hear different stories.
      const secret = storm.cunning && message.kind === "proposal";
      const confidant = secret ? honest[Math.floor(random() * honest.length)] : undefined;
      for (const to of honest) if (secret ? to === confidant : random() < 0.7) send(id, to, message, now);
    }
    const stirred = new Set(honest.filter(({ wakeAt }) => tick === 0 || (wakeAt !== null && wakeAt <= now)));
    for (const { to, message } of due.get(tick) ?? []) {
      if (to.hear(message, now)) stirred.add(to);
    }
    due.delete(tick);
    for (const operator of stirred) {
      for (const message of operator.step(now, storm.outputs.get(operator.id) as Hex))
        say(operator, message, now);
      if (operator.settlements.length > 0) return { honest, claimed, settledAt: now };
    }
    for (const [operator, repeat] of repeats) {
      if (repeat.at > now) continue;
      repeat.everyMs = Math.min(2 * repeat.everyMs, MAX_REPEAT_MS);
      repeat.at = now + repeat.everyMs;
      for (const message of operator.repeats) say(operator, message, now);
    }
  }
  return { honest, claimed, settledAt: null };
}

/** Something that a cheat may say: well formed and signed with its own key, for nothing else passes the door. */
function invent(
  operatorId: number,
  { claims, network, cunning }: Storm,
  heard: readonly PeerMessage[],
  random: () => number,
): PeerMessage {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const seen = heard.flatMap((message) => (message.kind === "reveal" ? [message.output] : []));
  const output = pick(random() < 0.5 && seen.length > 0 ? seen : claims);
  const about = { requestId: REQUEST_ID, operatorId, signature: "0x" } as const;
  const view = Math.floor(random() * 4);
  const commits = heard.filter((message): message is CommitMessage => message.kind === "commit");
  const median = cunning && random() < 0.7 ? medianBy(operatorId, network, heard, random) : null;
  if (median !== null) return median;
  switch (Math.floor(random() * 6)) {
    case 0:
      return commitOf(operatorId, output);
    case 1:
      return {
        ...revealOf(operatorId, output),
        commits: [commitOf(operatorId, output), ...commits],
      } as PeerMessage;
    case 2:
      // Opens nothing.
      return { ...revealOf(operatorId, output), salt: saltOf(operatorId + 100) } as PeerMessage;
    case 3: {
      const reveals = network.candidates.map((one) => one.operatorId).filter(() => random() < 0.7);
      return { kind: "proposal", ...about, view, output, reveals: reveals.sort((a, b) => a - b) };
    }
    case 4:
      return { kind: "attestation", ...about, view, outputHash: keccak256(output) };
    default:
      // Somebody whom the draw does not admit.
      return { ...commitOf(operatorId + 50, output) };
  }
}

/** A proposal that follows from reveals which its proposer chose, in any view; null when nothing follows from them. */
function medianBy(
  operatorId: number,
  { codec, profile, quorum }: NetworkRules,
  heard: readonly PeerMessage[],
  random: () => number,
): PeerMessage | null {
  const reveals = new Map(
    heard.flatMap((message) =>
      message.kind === "reveal" && random() < 0.8 ? [[message.operatorId, message.output]] : [],
    ),
  );
  const [ours = "0x"] = reveals.values();
  const proposal = propose({ quorum, codec, profile, reveals, disputed: null }, ours);
  const view = Math.floor(random() * 16);
  return (
    proposal && { kind: "proposal", requestId: REQUEST_ID, operatorId, view, ...proposal, signature: "0x" }
  );
}
