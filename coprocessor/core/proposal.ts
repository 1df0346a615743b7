import { agree, type DeterminismProfile, median, type OutputCodec, SibylError } from "@sibyl/sdk";
import type { Hex } from "viem";

/** What a proposal is judged by. */
export interface ProposalRules {
  quorum: number;
  codec: OutputCodec;
  profile: DeterminismProfile;
  /** Opened outputs by operator id. */
  reveals: ReadonlyMap<number, Hex>;
  /** The output that a jury judges; null for a request. */
  disputed: Hex | null;
}

/** An output put forward, and the operators whose reveals it follows from, increasing. */
export interface Proposal {
  output: Hex;
  reveals: number[];
}

/**
 * What follows from the reveals; null when they are split.
 *
 * For a request: the median of a group of reveals, a quorum or more, that can share one; of ours if it is such a group, for
 * there may be another of cheats. For a dispute: the
 * disputed bytes themselves if a quorum of the reveals agrees with them under the model's profile, so that an honest
 * output falls over no last digit; only otherwise the median of those that disagree with it.
 */
export function propose(rules: ProposalRules, ours: Hex): Proposal | null {
  const { disputed } = rules;
  if (disputed === null) return proposeMedian(rules, ours);
  const upholding = [...rules.reveals].filter(([, output]) => agrees(rules, output, disputed));
  if (upholding.length >= rules.quorum) {
    return { output: disputed, reveals: upholding.map(([operatorId]) => operatorId).sort((a, b) => a - b) };
  }
  const against = new Map([...rules.reveals].filter(([, output]) => !agrees(rules, output, disputed)));
  const proposal = proposeMedian({ ...rules, reveals: against }, ours);
  return proposal?.output === disputed ? null : proposal;
}

function proposeMedian(rules: ProposalRules, ours: Hex): Proposal | null {
  const revealed = [...rules.reveals];
  for (const anchor of [ours, ...rules.reveals.values()]) {
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
 *
 * A juror whose own output agrees with the disputed one signs that one or none: a mismatch alone never punishes. So an
 * output that agrees with all honest jurors' cannot be overturned by a quorum that holds one of them, and one that
 * agrees with none of theirs cannot be upheld by it.
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
  const unfounded =
    rules.disputed === null ? notMedian(rules, output, reveals) : misjudged(rules, output, reveals);
  if (unfounded !== null) return { final: true, reason: unfounded };
  if (rules.disputed !== null && output !== rules.disputed && agrees(rules, ours, rules.disputed)) {
    return { final: true, reason: "overturns an output that agrees with ours" };
  }
  const comparison = agree(rules.codec, rules.profile, ours, output);
  return comparison.agrees ? "follows" : { final: true, reason: comparison.reason };
}

function notMedian(rules: ProposalRules, output: Hex, reveals: readonly number[]): string | null {
  return medianOf(rules, reveals) === output ? null : "is not the median of its reveals";
}

/** Why a verdict does not follow from its reveals; null when it does. */
function misjudged(rules: ProposalRules, output: Hex, reveals: readonly number[]): string | null {
  const disputed = rules.disputed as Hex;
  const upholds = output === disputed;
  const stray = reveals.find((id) => agrees(rules, rules.reveals.get(id) as Hex, disputed) !== upholds);
  if (stray === undefined) return upholds ? null : notMedian(rules, output, reveals);
  const fact = upholds ? "disagrees with the disputed output" : "agrees with the disputed output";
  return `${upholds ? "upholds" : "overturns"}, and operator ${stray}'s reveal ${fact}`;
}

const agrees = ({ codec, profile }: ProposalRules, one: Hex, other: Hex): boolean =>
  agree(codec, profile, one, other).agrees;

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
