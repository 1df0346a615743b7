import { encodeOutput, type ModelManifest, toWad, WAD } from "@sibyl/sdk";
import type { Hex } from "viem";
import { inferenceError } from "../inferenceError.ts";
import type { RawTensor } from "../messages.ts";

/** How far rounding may take a probability out of 0 to 1 before it is none. */
const ROUNDING = 1e-5;

/**
 * What a graph's scores are: probabilities already, logits that need a softmax, or probabilities as int64 WAD, which a
 * graph of integers computes itself so that no step after it rounds.
 */
export type ScoreKind = "probability" | "logit" | "wad";

/** @throws CoprocessorError `inference/model-failed` when the manifest says none of them. */
export function scoreKind(manifest: ModelManifest): ScoreKind {
  const { scores } = manifest.task;
  if (scores === "probability" || scores === "logit" || scores === "wad") return scores;
  throw inferenceError(
    "model-failed",
    `task.scores of the manifest must be "probability", "logit" or "wad", not ${JSON.stringify(scores)}`,
    { meta: { model: manifest.name, scores } },
  );
}

/**
 * A row of scores as canonical bytes; of equal scores the lowest label wins.
 *
 * @throws CoprocessorError `inference/bad-output` when the tensor is no row of one finite score per label.
 */
export function encodeClassScores(manifest: ModelManifest, kind: ScoreKind, tensor: RawTensor): Hex {
  const { codec, labels } = manifest.output;
  const count = tensor.data.length;
  const isRow = tensor.dims.slice(0, -1).every((dimension) => dimension === 1);
  if (count < 2 || !isRow || (labels && count !== labels.length)) {
    throw badOutput(
      manifest,
      `scores of shape [${tensor.dims.join(",")}], one row of ${labels?.length ?? "at least 2"} wanted`,
    );
  }
  const scores = kind === "wad" ? wadScores(manifest, tensor) : realScores(manifest, kind, tensor);
  let label = 0;
  for (const [index, score] of scores.entries()) if (score > (scores[label] as bigint)) label = index;
  const confidence = scores[label] as bigint;
  return codec === "scores"
    ? encodeOutput("scores", { label, confidence, scores })
    : encodeOutput("classification", { label, confidence });
}

function wadScores(manifest: ModelManifest, { type, data }: RawTensor): bigint[] {
  if (!(data instanceof BigInt64Array)) throw badOutput(manifest, `scores of type ${type}, int64 wanted`);
  const outside = data.find((score) => score < 0n || score > WAD);
  if (outside !== undefined)
    throw badOutput(manifest, `the score ${outside}, which is not within 0 and ${WAD}`);
  return Array.from(data);
}

function realScores(manifest: ModelManifest, kind: "probability" | "logit", tensor: RawTensor): bigint[] {
  if (!(tensor.data instanceof Float32Array || tensor.data instanceof Float64Array)) {
    throw badOutput(manifest, `scores of type ${tensor.type}, float32 or float64 wanted`);
  }
  const raw = Array.from(tensor.data);
  const broken = raw.findIndex((score) => !Number.isFinite(score));
  if (broken !== -1) throw badOutput(manifest, `score ${broken} is ${raw[broken]}`);
  const outside =
    kind === "probability" ? raw.find((score) => score < -ROUNDING || score > 1 + ROUNDING) : undefined;
  if (outside !== undefined) throw badOutput(manifest, `the probability ${outside} is not within 0 and 1`);
  return (kind === "logit" ? softmax(raw) : raw).map((score) => clamp(toWad(score)));
}

function softmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

const clamp = (wad: bigint): bigint => (wad < 0n ? 0n : wad > WAD ? WAD : wad);

function badOutput(manifest: ModelManifest, reason: string) {
  return inferenceError("bad-output", `${manifest.name} gave ${reason}`, {
    meta: { model: manifest.name, reason },
  });
}
