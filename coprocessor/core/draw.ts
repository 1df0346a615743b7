import { drawnFromRound, drawSeed, drawTicket, type RequestFields } from "@sibyl/sdk";
import type { Address, Hex } from "viem";
import type { EnrolmentRecord } from "./operators.ts";

/** An operator that the draw admits, now or in a later round. */
export interface Candidate {
  operatorId: number;
  attester: Address;
  /** Low 128 bits of the draw's hash; the lowest is first in every order. */
  ticket: bigint;
  /** Lowest round that admits it. */
  fromRound: number;
}

/**
 * Who may answer a request, lowest ticket first.
 *
 * The same rule as `Sortition.sol`: seats that were not active when the request opened do not count, and the total
 * weight is the one that the request carries, so the draw cannot drift while the request is open.
 *
 * @param openedBlockHash Hash of the block that opened the request; a reorg changes it, and with it the draw.
 */
export function draw(
  requestId: Hex,
  request: RequestFields,
  openedBlockHash: Hex,
  enrolments: readonly EnrolmentRecord[],
): Candidate[] {
  const seed = drawSeed(requestId, openedBlockHash);
  const candidates: Candidate[] = [];
  for (const seat of enrolments) {
    if (seat.activeFrom > request.openedAt) continue;
    const ticket = drawTicket(seed, seat.operatorId);
    const fromRound = drawnFromRound(ticket, {
      committeeSize: request.committeeSize,
      overdrawBps: request.overdrawBps,
      weight: seat.weight,
      totalWeight: request.totalWeight,
    });
    if (fromRound === undefined) continue;
    candidates.push({ operatorId: seat.operatorId, attester: seat.attester, ticket, fromRound });
  }
  return candidates.sort((a, b) =>
    a.ticket < b.ticket ? -1 : a.ticket > b.ticket ? 1 : a.operatorId - b.operatorId,
  );
}
