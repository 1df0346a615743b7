import {
  decodeClassification,
  decodeScores,
  encodeClassification,
  encodeScores,
  type ModelManifest,
  parseWad,
  WAD,
} from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Random } from "./random.ts";

/** Made up from nothing, in the form that the model's output has. */
export function randomOutput({ output }: ModelManifest, random: Random): Hex {
  const labels = output.labels?.length ?? 2;
  const label = Math.floor(random() * labels);
  const confidence = BigInt(Math.floor(random() * 1e9)) * 10n ** 9n;
  if (output.codec === "classification") return encodeClassification({ label, confidence });
  if (output.codec === "scores")
    return encodeScores({ label, confidence, scores: Array.from({ length: labels }, () => confidence) });
  throw new Error(`no attack makes up outputs of codec ${output.codec}`);
}

/** The honest confidence under another label. */
export function wrongLabel({ output }: ModelManifest, honest: Hex): Hex {
  const labels = output.labels?.length ?? 2;
  if (output.codec === "classification") {
    const { label, confidence } = decodeClassification(honest);
    return encodeClassification({ label: (label + 1) % labels, confidence });
  }
  const { label, confidence, scores } = decodeScores(honest);
  return encodeScores({ label: (label + 1) % labels, confidence, scores });
}

/** The honest label, and a confidence that is off by a multiple of the model's tolerance. */
export function shifted({ profile, output }: ModelManifest, honest: Hex, tolerances: number): Hex {
  if (profile.kind !== "tolerance" || output.codec !== "classification")
    throw new Error("only a classification with a tolerance can be shifted");
  const { label, confidence } = decodeClassification(honest);
  const shift = (parseWad(profile.abs) * BigInt(Math.round(tolerances * 1_000))) / 1_000n;
  const up = confidence + shift;
  return encodeClassification({ label, confidence: up > WAD ? confidence - shift : up });
}
