import { commitmentHash } from "@sibyl/sdk";
import { type Hex, keccak256 } from "viem";
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
