import { agree, type DeterminismProfile, median, type OutputCodec, SibylError } from "@sibyl/sdk";
import type { Hex } from "viem";

/** What a proposal is judged by. */
export interface ProposalRules {
  quorum: number;
  codec: OutputCodec;
  profile: DeterminismProfile;
  /** Opened outputs by operator id. */
  reveals: ReadonlyMap<number, Hex>;
}

/** An output put forward, and the operators whose reveals it follows from, increasing. */
export interface Proposal {
  output: Hex;
  reveals: number[];
}

/** The median of the first group of reveals, a quorum or more, that can share one; null when they are split. */
export function propose(rules: ProposalRules): Proposal | null {
  const revealed = [...rules.reveals];
  for (const [, anchor] of revealed) {
    const group = revealed.filter(([, output]) => medianOrNone(rules.codec, [anchor, output]) !== undefined);
    if (group.length < rules.quorum) continue;
    const reveals = group.map(([operatorId]) => operatorId).sort((a, b) => a - b);
    const output = medianOf(rules, reveals);
    if (output !== undefined) return { output, reveals };
  }
  return null;
}

/**
 * Whether a proposal follows from its reveals and agrees with our own output; `final: false` means that a reveal that
 * it stands on may still arrive.
 */
export function judge(
  rules: ProposalRules,
  ours: Hex,
  { output, reveals }: Proposal,
): "follows" | { final: boolean; reason: string } {
  if (reveals.length < rules.quorum) {
    return { final: true, reason: `stands on ${reveals.length} reveals, quorum is ${rules.quorum}` };
  }
  const unknown = reveals.filter((operatorId) => !rules.reveals.has(operatorId));
  if (unknown.length > 0)
    return { final: false, reason: `unknown reveals of operators ${unknown.join(", ")}` };
  if (medianOf(rules, reveals) !== output) return { final: true, reason: "is not the median of its reveals" };
  const comparison = agree(rules.codec, rules.profile, ours, output);
  return comparison.agrees ? "follows" : { final: true, reason: comparison.reason };
}

function medianOf({ codec, reveals }: ProposalRules, operatorIds: readonly number[]): Hex | undefined {
  const outputs: Hex[] = [];
  for (const operatorId of operatorIds) {
    const output = reveals.get(operatorId);
    if (output === undefined) return undefined;
    outputs.push(output);
  }
  return medianOrNone(codec, outputs);
}

/** Undefined for outputs that share no median, a peer's malformed one among them. */
function medianOrNone(codec: OutputCodec, outputs: readonly Hex[]): Hex | undefined {
  try {
    return median(codec, outputs);
  } catch (error) {
    if (error instanceof SibylError) return undefined;
    throw error;
  }
}
