import { agree, componentsOf, decodeOutput, type OutputCodec, WAD } from "@sibyl/sdk";
import type { Hex } from "viem";

/** How far apart the answers to the same inputs came, over all ways of running them. */
export interface Spread {
  inputs: number;
  /** Ways of running that were compared. */
  settings: number;
  /** Inputs whose answers differ in what no tolerance covers: a label, a shape, a text. */
  flips: number;
  /** Inputs whose answers are not all the same bytes. */
  inexact: number;
  /** Widest gap of one number, and the widest as a share of the larger of the two; WAD. */
  maxAbsWad: bigint;
  maxRelWad: bigint;
}

/** A tolerance in decimals, as a manifest writes it; `exact` when all answers were the same bytes. */
export type ProposedProfile =
  | { kind: "exact" }
  | { kind: "tolerance"; abs: string; rel: "0" }
  | { kind: "none"; reason: string };

/** Room beside what was measured on one machine: others round in ways of their own. */
const SAFETY = 10n;

/**
 * Compares outputs of the same inputs from several settings.
 *
 * @param runs One list of outputs per setting, in the order of the inputs.
 */
export function measureSpread(codec: OutputCodec, runs: readonly (readonly Hex[])[]): Spread {
  const [first = []] = runs;
  const spread = {
    inputs: first.length,
    settings: runs.length,
    flips: 0,
    inexact: 0,
    maxAbsWad: 0n,
    maxRelWad: 0n,
  };
  for (const [at] of first.entries()) {
    const answers = [...new Set(runs.map((outputs) => outputs[at] as Hex))];
    if (answers.length === 1) continue;
    spread.inexact += 1;
    const read = answers.map((answer) => componentsOf(codec, decodeOutput(codec, answer)));
    if (new Set(read.map(({ fixed }) => fixed)).size > 1) {
      spread.flips += 1;
      continue;
    }
    const columns = read[0]?.components.map((_one, column) =>
      read.map(({ components }) => components[column]?.wad ?? 0n),
    );
    for (const column of columns ?? []) {
      const [least, greatest] = [min(column), max(column)];
      const scale = max([magnitude(least), magnitude(greatest)]);
      spread.maxAbsWad = max([spread.maxAbsWad, greatest - least]);
      if (scale > 0n) spread.maxRelWad = max([spread.maxRelWad, ((greatest - least) * WAD) / scale]);
    }
  }
  return spread;
}

/**
 * A profile that honest operators would hold: ten times what was measured, as the next power of ten.
 *
 * A flip lies between two answers that are both honest, so no profile can make them agree; a few of many are what a
 * quorum is for.
 */
export function proposeProfile(spread: Spread): ProposedProfile {
  if (spread.inexact === 0) return { kind: "exact" };
  if (spread.flips === spread.inexact) {
    return {
      kind: "none",
      reason: `${spread.flips} of ${spread.inputs} inputs differ in what has no distance`,
    };
  }
  let abs = 1n;
  while (abs < SAFETY * spread.maxAbsWad) abs *= 10n;
  return { kind: "tolerance", abs: decimal(abs), rel: "0" };
}

/** Whether every setting's answers agree with the first setting's under the manifest's own profile. */
export function disagreements(
  codec: OutputCodec,
  profile: Parameters<typeof agree>[1],
  runs: readonly (readonly Hex[])[],
): number {
  const [first = [], ...others] = runs;
  return first.filter((output, at) =>
    others.some((outputs) => !agree(codec, profile, output, outputs[at] as Hex).agrees),
  ).length;
}

const sorted = (values: readonly bigint[]) => [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
const min = (values: readonly bigint[]) => sorted(values)[0] as bigint;
const max = (values: readonly bigint[]) => sorted(values).at(-1) as bigint;
const magnitude = (value: bigint) => (value < 0n ? -value : value);

/** A power of ten in WAD as a decimal, for example "0.0001". */
function decimal(wad: bigint): string {
  if (wad >= WAD) return (wad / WAD).toString();
  return `0.${wad.toString().padStart(18, "0").replace(/0+$/, "")}`;
}
