import { commitmentHash, type DeterminismProfile, type OutputCodec } from "@sibyl/sdk";
import { type Hex, keccak256, pad, toHex } from "viem";
import { type AgreementAction, type AgreementTiming, decide } from "../../../coprocessor/core/agreement.ts";
import { type Ballot, type HeardMessage, tally } from "../../../coprocessor/core/ballot.ts";
import type { Candidate } from "../../../coprocessor/core/draw.ts";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import { worthPassingOn, worthRepeating } from "../../../coprocessor/core/repeats.ts";
import { withoutCarried } from "../../../coprocessor/core/revealOpening.ts";

export const TIMING: AgreementTiming = {
  commitGraceMs: 400,
  revealGraceMs: 400,
  viewTimeoutMs: 2_000,
  settleDelayMs: 3_000,
  standbyDelayMs: 2_000,
  replaceAfterMs: 3_000,
};

export const REQUEST_ID: Hex = keccak256(toHex("a request"));

/** Everything but what an operator hears, in one place: what all operators of a simulated request share. */
export interface NetworkRules {
  quorum: number;
  committeeSize: number;
  codec: OutputCodec;
  profile: DeterminismProfile;
  candidates: readonly Candidate[];
  /** After how long the draw widens; never when left out. */
  roundMs?: number;
  /** What a jury judges; nothing for a request. */
  disputed?: Hex;
}

/** Operators 1 to n, drawn in that order. */
export function candidatesOf(count: number): Candidate[] {
  return Array.from({ length: count }, (_, index) => ({
    operatorId: index + 1,
    attester: pad(toHex(index + 1), { size: 20 }),
    ticket: BigInt(index),
    fromRound: 0,
  }));
}

export const saltOf = (operatorId: number): Hex => keccak256(toHex(`salt of ${operatorId}`));

export function commitOf(operatorId: number, output: Hex): PeerMessage & { kind: "commit" } {
  const opening = {
    requestHash: REQUEST_ID,
    operatorId,
    outputHash: keccak256(output),
    salt: saltOf(operatorId),
  };
  return {
    kind: "commit",
    requestId: REQUEST_ID,
    operatorId,
    commitment: commitmentHash(opening),
    signature: "0x",
  };
}

export const revealOf = (operatorId: number, output: Hex): PeerMessage => ({
  kind: "reveal",
  requestId: REQUEST_ID,
  operatorId,
  output,
  salt: saltOf(operatorId),
  commits: [commitOf(operatorId, output)],
});

const digests = new WeakMap<PeerMessage, string>();

function digestOf(message: PeerMessage): string {
  const digest = digests.get(message) ?? JSON.stringify(message);
  digests.set(message, digest);
  return digest;
}

/** One honest operator as the pipeline drives it: what it heard, what it said, and `decide` in between. */
export class HonestOperator {
  readonly said: PeerMessage[] = [];
  readonly settlements: Extract<AgreementAction, { type: "settle" }>[] = [];
  readonly #heard: HeardMessage[] = [];
  readonly #slots = new Map<string, string[]>();
  readonly #rules: NetworkRules;
  #started = false;
  #output: Hex | null = null;
  #wakeAt: number | null = null;
  waitingFor = "";
  disagreement: string | null = null;
  readonly id: number;

  constructor(id: number, rules: NetworkRules) {
    this.id = id;
    this.#rules = rules;
  }

  get wakeAt(): number | null {
    return this.#wakeAt;
  }

  get started(): boolean {
    return this.#started;
  }

  get hasRevealed(): boolean {
    return this.said.some((message) => message.kind === "reveal");
  }

  /** Commitments that it counted as timely. */
  get timely(): number {
    return this.#tally().timely.size;
  }

  /** Stores what is new, as `onPeerMessage` does; false when nothing is, and so nobody looks at the request again. */
  hear(message: PeerMessage, now: number): boolean {
    const carried = message.kind === "reveal" ? message.commits : [];
    const bare = message.kind === "reveal" ? withoutCarried(message) : message;
    return [...carried, bare].map((each) => this.#store(each, now)).some((isNew) => isNew);
  }

  /** What it says again when the request stays open, as the driver does. */
  get repeats(): PeerMessage[] {
    const heard = this.#heard.map(({ message }) => message);
    return [...worthRepeating(this.said), ...worthPassingOn(this.id, heard)];
  }

  /** Acts until nothing is left to do; returns what it says. */
  step(now: number, output: Hex): PeerMessage[] {
    const spoken: PeerMessage[] = [];
    const { roundMs = 3_600_000 } = this.#rules;
    for (let i = 0; i < 16; i++) {
      const decision = decide({
        ...this.#rules,
        disputed: this.#rules.disputed ?? null,
        me: this.id,
        round: Math.floor(now / roundMs),
        nextRoundInMs: roundMs - (now % roundMs),
        seenAt: 0,
        started: this.#started,
        output: this.#output,
        ballot: this.#tally(),
        attested: new Map(
          this.said.flatMap((message) =>
            message.kind === "attestation" ? [[message.view, message.outputHash]] : [],
          ),
        ),
        proposed: new Set(
          this.said.flatMap((message) => (message.kind === "proposal" ? [message.view] : [])),
        ),
        settling: this.settlements.length > 0,
        settlementHeld: null,
        failedSettlements: { count: 0, lastAt: 0, reason: null },
        timing: TIMING,
        now,
      });
      this.#wakeAt = decision.wakeAt;
      this.waitingFor = decision.waitingFor;
      this.disagreement = decision.disagreement;
      if (decision.actions.length === 0) return spoken;
      for (const action of decision.actions) spoken.push(...this.#act(action, decision.ballot, now, output));
    }
    throw new Error(`operator ${this.id} keeps acting: ${this.waitingFor}`);
  }

  #act(action: AgreementAction, ballot: Ballot, now: number, output: Hex): PeerMessage[] {
    switch (action.type) {
      case "start":
        this.#started = true;
        this.#output = output;
        return [];
      case "commit":
        return this.#say(commitOf(this.id, output), now);
      case "reveal": {
        const commits = [...ballot.timely.values()];
        return this.#say({ ...revealOf(this.id, output), commits } as PeerMessage, now);
      }
      case "propose": {
        const { view, reveals } = action;
        const attestation = this.#attestation(view, keccak256(action.output));
        const about = { requestId: REQUEST_ID, operatorId: this.id, view, signature: "0x" } as const;
        return [
          ...this.#say(attestation, now),
          ...this.#say({ kind: "proposal", ...about, output: action.output, reveals }, now),
        ];
      }
      case "attest":
        return this.#say(this.#attestation(action.view, action.outputHash), now);
      case "settle":
        this.settlements.push(action);
        return [];
    }
  }

  #attestation(view: number, outputHash: Hex): PeerMessage {
    return {
      kind: "attestation",
      requestId: REQUEST_ID,
      operatorId: this.id,
      view,
      outputHash,
      signature: "0x",
    };
  }

  #say(message: PeerMessage, now: number): PeerMessage[] {
    this.said.push(message);
    this.#store(message, now);
    return [message];
  }

  /** Of each slot the first two messages that differ, as the store keeps them. */
  #store(message: PeerMessage, receivedAt: number): boolean {
    const slot = `${message.kind}/${message.operatorId}/${"view" in message ? message.view : 0}`;
    const known = this.#slots.get(slot) ?? [];
    if (known.length >= 2 || known.includes(digestOf(message))) return false;
    this.#slots.set(slot, [...known, digestOf(message)]);
    this.#heard.push({ seq: this.#heard.length, message, receivedAt });
    return true;
  }

  #tally() {
    const { quorum, committeeSize, candidates } = this.#rules;
    const rules = { requestId: REQUEST_ID, quorum, committeeSize, commitGraceMs: TIMING.commitGraceMs };
    return tally(rules, candidates, this.#heard);
  }
}
