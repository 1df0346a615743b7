import type { RequestState } from "./request.ts";

/**
 * The state that a request is in by what this operator has signed and computed: where it goes on when a reorg takes
 * back how the chain closed it.
 *
 * @param slots Slots of the stored statements. A proposal carries its proposer's own attestation, so it counts as one.
 */
export function impliedState(slots: readonly string[], hasOutput: boolean): RequestState {
  if (slots.some((slot) => slot.startsWith("attestation/") || slot.startsWith("proposal/")))
    return "attested";
  if (slots.includes("reveal")) return "revealed";
  if (slots.includes("commit")) return "committed";
  return hasOutput ? "computed" : "waiting";
}
