import type { OracleScope, PeerMessage, Peers } from "@sibyl/coprocessor/testing";
import type { ModelManifest, OpenedRequest, Policy } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Arena } from "./arena.ts";
import type { Random } from "./random.ts";
import type { Voice } from "./seat.ts";
import type { Transcript } from "./transcript.ts";

/** A request that was opened for an attack, and the honest answer to it. */
export interface Asked extends OpenedRequest {
  /** What the model says, run here. */
  reference: Hex;
  /** Counted from 0 within the attack. */
  place: number;
}

export type ModelName = "iris" | "spam-text";

/** What an attack has to work with. */
export interface AttackContext {
  arena: Arena;
  scope: OracleScope;
  manifest: ModelManifest;
  /** One for each of its seats. */
  voices: readonly Voice[];
  /** Its own node in the gossip; what it hears is in the transcript. */
  peers: Peers;
  /** Addresses that honest operators can be dialled at. */
  honestAddresses: readonly string[];
  transcript: Transcript;
  random: Random;
}

/** What it does when. Messages about a request come after `asked`, each once. */
export interface Cheat {
  /** Before the first request. */
  begin?(): Promise<void>;
  asked?(asked: Asked): Promise<void>;
  heard?(message: PeerMessage, asked: Asked): Promise<void>;
  end?(): Promise<void>;
  /** How many wrong proposals of its own a jury overturned: all of them have to be. */
  overturned?(): Promise<number>;
}

export interface Attack {
  name: string;
  /** What it tries, in one line. */
  tries: string;
  model: ModelName;
  policy: Policy;
  /** Seats that it has beside the honest operators' three. */
  seats: number;
  /** Its answers are honest or lie within the model's profile, so that being paid for them is no profit from cheating. */
  withinProfile?: boolean;
  /** Blocks that its requests are spread over; five when left out. */
  blocks?: number;
  /** Milliseconds that nobody could have answered in. */
  outageMs?: number;
  /** Milliseconds after which what did not settle counts as blocked; three minutes when left out. */
  patienceMs?: number;
  play(context: AttackContext): Cheat;
}

/** Four run the model and three must agree: room for one that does not. */
export const THREE_OF_FOUR: Policy = { committeeSize: 4, quorum: 3, challengeWindow: 0 };
/** Three run the model and all must agree: one of them can only be replaced. */
export const UNANIMOUS: Policy = { committeeSize: 3, quorum: 3, challengeWindow: 0 };
export const THREE_OF_FIVE: Policy = { committeeSize: 5, quorum: 3, challengeWindow: 0 };
