import { type Hex, size } from "viem";
import type { PeerMessage, ProposalMessage } from "./messages.ts";

/**
 * Proposals of one operator about one request that are kept: they carry whole outputs, up to 64 KiB each. Honest ones
 * come in turns, and views become longer and longer.
 */
const MAX_PROPOSALS = 16;
/** Of these, those that stand on reveals that we have not heard; their proposer says them again. */
const MAX_EARLY = 2;

/**
 * Whether a proposal can be one that somebody attests, told by its form alone: before its output is hashed, stored and
 * compared. Anybody drawn may propose in every view, and an output may be large.
 *
 * A median has the size of what it is the median of, so a large proposal takes a quorum of large reveals.
 *
 * @param heard What was heard about the request, this proposal not among it.
 */
export function admitProposal(
  { operatorId, reveals, output }: Pick<ProposalMessage, "operatorId" | "reveals" | "output">,
  quorum: number,
  heard: readonly PeerMessage[],
): "keep" | "ignore" | "reject" {
  if (new Set(reveals).size < quorum) return "reject";
  const sizes = new Map<number, Set<number>>();
  for (const message of heard) {
    if (message.kind !== "reveal") continue;
    sizes.set(message.operatorId, (sizes.get(message.operatorId) ?? new Set()).add(size(message.output)));
  }
  const bytes = size(output as Hex);
  if (reveals.some((id) => sizes.get(id)?.has(bytes) === false)) return "reject";
  const theirs = heard.flatMap((message) =>
    message.kind === "proposal" && message.operatorId === operatorId ? [message] : [],
  );
  if (theirs.length >= MAX_PROPOSALS) return "ignore";
  const isEarly = (ids: readonly number[]) => ids.some((id) => !sizes.has(id));
  const early = theirs.filter((known) => isEarly(known.reveals)).length;
  return isEarly(reveals) && early >= MAX_EARLY ? "ignore" : "keep";
}
