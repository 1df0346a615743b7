import { packBits, unpackBits } from "./bits.ts";
import { OUTPUT_CODECS, type OutputCodec } from "./codec/output.ts";
import { OutOfRangeError } from "./errors.ts";
import { formatWad, parseWad } from "./fixedPoint.ts";
import type { DeterminismProfile, ModelManifest } from "./manifest.ts";

/** How two outputs of a model compare, as its registry holds it (`contracts/types/DeterminismProfile.sol`). */
export interface ComparisonRule {
  codec: OutputCodec;
  profile: DeterminismProfile;
}

const PROFILE = [
  ["kind", 8],
  ["codec", 8],
  ["abs", 120],
  ["rel", 120],
] as const;

/** In the order of Solidity's `ProfileKind`, after `None`. */
const KINDS = ["exact", "tolerance"] as const;

/**
 * The word that `ModelRegistry.publish` takes for a manifest.
 *
 * @throws OutOfRangeError when a tolerance does not fit; `parseManifest` lets no such manifest pass.
 */
export function packProfile({ output, profile }: Pick<ModelManifest, "output" | "profile">): bigint {
  const tolerant = profile.kind === "tolerance";
  return packBits(PROFILE, {
    kind: BigInt(KINDS.indexOf(profile.kind) + 1),
    codec: BigInt(OUTPUT_CODECS.indexOf(output.codec) + 1),
    abs: tolerant ? parseWad(profile.abs) : 0n,
    rel: tolerant ? parseWad(profile.rel) : 0n,
  });
}

/**
 * Takes a registered profile apart; tolerances come in their shortest decimal form.
 *
 * @throws OutOfRangeError when kind or codec is none that this version knows, as in the word of an unpublished model.
 */
export function unpackProfile(word: bigint): ComparisonRule {
  const fields = unpackBits(PROFILE, word);
  const kind = KINDS[Number(fields.kind) - 1];
  const codec = OUTPUT_CODECS[Number(fields.codec) - 1];
  if (!kind) throw new OutOfRangeError("profile kind", fields.kind, `1 to ${KINDS.length}`);
  if (!codec) throw new OutOfRangeError("output codec", fields.codec, `1 to ${OUTPUT_CODECS.length}`);
  if (kind === "exact") return { codec, profile: { kind } };
  return { codec, profile: { kind, abs: formatWad(fields.abs), rel: formatWad(fields.rel) } };
}

/** A registered profile in words: `scores, tolerance abs 0.0001 rel 0`; `none` for a word that is no profile. */
export function describeProfile(word: bigint): string {
  try {
    const { codec, profile } = unpackProfile(word);
    if (profile.kind === "exact") return `${codec}, exact`;
    return `${codec}, tolerance abs ${profile.abs} rel ${profile.rel}`;
  } catch (error) {
    if (error instanceof OutOfRangeError) return "none";
    throw error;
  }
}
