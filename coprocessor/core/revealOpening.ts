import { commitmentHash } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Hex } from "viem";
import type { RevealMessage } from "./messages.ts";

/** Which commitment a reveal opens, and to what. */
export interface RevealOpening {
  outputHash: Hex;
  commitment: Hex;
}

/** Asked at every step of a request. A message never changes, so it is worked out once. */
const openings = new WeakMap<RevealMessage, RevealOpening>();

export function revealOpening(reveal: RevealMessage): RevealOpening {
  const known = openings.get(reveal);
  if (known !== undefined) return known;
  const { requestId: requestHash, operatorId, salt } = reveal;
  const outputHash = keccak256(reveal.output);
  const commitment = commitmentHash({ requestHash, operatorId, outputHash, salt });
  const opening = { outputHash, commitment };
  openings.set(reveal, opening);
  return opening;
}

/** The same reveal without the commitments that it carries, for who keeps these on their own. */
export function withoutCarried(reveal: RevealMessage): RevealMessage {
  if (reveal.commits.length === 0) return reveal;
  const bare = { ...reveal, commits: [] };
  const opening = openings.get(reveal);
  if (opening !== undefined) openings.set(bare, opening);
  return bare;
}
