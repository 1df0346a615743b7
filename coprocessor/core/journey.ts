import type { Hex } from "viem";
import type { RequestKey, RequestState } from "./request.ts";

/**
 * The parts of a request's way, in order. Each ends when the row changes its state.
 *
 * `draw`      from its block's time, which is in whole seconds, until our row says that we are drawn
 * `admission` until its job is in the queue: our turn as a stand-by, room for it, the model's manifest
 * `run`       until its output is stored: the wait in the queue, and the model
 * `commit`    until our commitment is signed and stored
 * `reveal`    until enough others have committed, and our output is public
 * `attest`    until enough have revealed, and our attestation is signed
 * `settle`    until the chain has the answer, and the consumer its callback
 * `propose`   in place of `settle` where the answer may be challenged: until the chain has it
 * `finalize`  after `propose`: the challenge window, until the callback
 */
export const STAGES = [
  "draw",
  "admission",
  "run",
  "commit",
  "reveal",
  "attest",
  "settle",
  "propose",
  "finalize",
] as const;
export type Stage = (typeof STAGES)[number];

/** Which part a state ends. */
const ENDED_BY: Partial<Record<RequestState, Stage>> = {
  queued: "admission",
  computed: "run",
  committed: "commit",
  revealed: "reveal",
  attested: "attest",
  settled: "settle",
  proposed: "propose",
};

/** States in which nothing of ours is under way any more. */
const OVER: readonly RequestState[] = ["settled", "expired", "parked"];

/** A request whose way is followed. Times are Unix milliseconds. */
export interface Traveller {
  key: RequestKey;
  requestId: Hex;
  modelId: Hex;
  /** Its block's time. */
  openedAt: number;
}

/** What a change of state tells. */
export interface Leg {
  traveller: Traveller;
  /** The part that it ended; null when its beginning was before our start. */
  stage: { name: Stage; from: number; to: number } | null;
  /** Set when it was the last one. */
  over: RequestState | null;
}

interface Standing {
  traveller: Traveller;
  /** Null when we do not know what it was before. */
  state: RequestState | null;
  /** When it came there; null when that was before our start. */
  since: number | null;
}

/**
 * Follows requests from their block to their end, to tell how long each part took.
 *
 * In memory, and so only what happened since the start; at most `most` at once, the oldest are forgotten first.
 */
export class Journeys {
  readonly #standing = new Map<RequestKey, Standing>();
  readonly #most: number;

  constructor(most = 10_000) {
    this.#most = most;
  }

  /** A request is ours to answer. */
  begin(traveller: Traveller, now: number): Leg {
    this.#put({ traveller, state: "waiting", since: now });
    return {
      traveller,
      stage: { name: "draw", from: Math.min(traveller.openedAt, now), to: now },
      over: null,
    };
  }

  follows(key: RequestKey): boolean {
    return this.#standing.has(key);
  }

  /** A request that was ours before our start is followed from its next change on. */
  resume(traveller: Traveller): void {
    if (!this.follows(traveller.key)) this.#put({ traveller, state: null, since: null });
  }

  /** Null for a request that is not followed, and for a change that is none. */
  moved(key: RequestKey, to: RequestState, now: number): Leg | null {
    const standing = this.#standing.get(key);
    if (standing === undefined || standing.state === to) return null;
    const { traveller, since, state: from } = standing;
    const name = from === "proposed" && to === "settled" ? "finalize" : ENDED_BY[to];
    const stage = name === undefined || since === null ? null : { name, from: since, to: now };
    const over = OVER.includes(to) ? to : null;
    if (over === null) this.#standing.set(key, { traveller, state: to, since: now });
    else this.#standing.delete(key);
    return { traveller, stage, over };
  }

  get size(): number {
    return this.#standing.size;
  }

  #put(standing: Standing): void {
    const [oldest] = this.#standing.keys();
    if (this.#standing.size >= this.#most && oldest !== undefined) this.#standing.delete(oldest);
    this.#standing.set(standing.traveller.key, standing);
  }
}
