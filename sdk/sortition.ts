import { encodeAbiParameters, type Hex } from "viem";
import { OutOfRangeError } from "./errors.ts";
import { keccak256 } from "./keccak256.ts";

/** Rounds stop doubling the draw here. */
export const MAX_ROUND = 32;

/** What decides, beside the ticket, when an operator is drawn. All of it stands in the request, but `weight`. */
export interface DrawParameters {
  committeeSize: number;
  overdrawBps: number;
  /** The operator's seat, units of 1e12 wei of stake. */
  weight: bigint;
  /** Sum of the model's seats at the request's opening, same units. */
  totalWeight: bigint;
}

const WORDS = [{ type: "bytes32" }, { type: "bytes32" }] as const;
const SEED_AND_OPERATOR = [{ type: "bytes32" }, { type: "uint32" }] as const;
const TICKET_MASK = (1n << 128n) - 1n;

/**
 * The draw's seed: `keccak256(abi.encode(requestId, blockhash(openedBlock)))`.
 *
 * Nobody knows it while the request's own block is made, so a caller cannot re-roll by reverting.
 */
export function drawSeed(requestId: Hex, openedBlockHash: Hex): Hex {
  return keccak256(encodeAbiParameters(WORDS, [requestId, openedBlockHash]));
}

/** An operator's ticket: the low 128 bits of `keccak256(abi.encode(seed, operatorId))`. The lowest are the primaries. */
export function drawTicket(seed: Hex, operatorId: number): bigint {
  return BigInt(keccak256(encodeAbiParameters(SEED_AND_OPERATOR, [seed, operatorId]))) & TICKET_MASK;
}

/**
 * Whether a ticket is drawn in a round:
 * `ticket * totalWeight * 10000 < (committeeSize * overdrawBps * weight << min(round, 32)) << 128`.
 *
 * No product here is wider than 240 bits, so Solidity gets the same answer in plain uint256.
 */
export function isDrawn(ticket: bigint, parameters: DrawParameters, round: number): boolean {
  const chance = BigInt(parameters.committeeSize) * BigInt(parameters.overdrawBps) * parameters.weight;
  const widened = chance << BigInt(Math.min(round, MAX_ROUND));
  return ticket * parameters.totalWeight * 10_000n < widened << 128n;
}

/** The first round, 0 to 32, in which a ticket is drawn; undefined when it never is. */
export function drawnFromRound(ticket: bigint, parameters: DrawParameters): number | undefined {
  for (let round = 0; round <= MAX_ROUND; round++) {
    if (isDrawn(ticket, parameters, round)) return round;
  }
  return undefined;
}

/**
 * The round at a moment, `floor((now - openedAt) / roundSeconds)`; 0 before the opening. Not capped at `MAX_ROUND`.
 *
 * @param nowSeconds Unix seconds.
 * @param request `openedAt` in unix seconds.
 */
export function roundAt(nowSeconds: number, request: { openedAt: number; roundSeconds: number }): number {
  if (request.roundSeconds < 1) throw new OutOfRangeError("roundSeconds", request.roundSeconds, "1 or more");
  return Math.max(0, Math.floor((nowSeconds - request.openedAt) / request.roundSeconds));
}

/** The first unix second in which `round` holds; the inverse of `roundAt`. */
export function roundStartsAt(round: number, request: { openedAt: number; roundSeconds: number }): number {
  return request.openedAt + round * request.roundSeconds;
}
