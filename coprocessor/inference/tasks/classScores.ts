import type { ModelManifest } from "@sibyl/sdk";
import { encodeRawClassification } from "@sibyl/sdk/codec/classification";
import { encodeRawScores, encodeRawWadScores, highestWad } from "@sibyl/sdk/codec/scores";
import { toWad, WAD } from "@sibyl/sdk/fixedPoint";
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
export function encodeClassScores(manifest: ModelManifest, kind: ScoreKind, tensor: RawTensor): Uint8Array {
  const { codec, labels } = manifest.output;
  const count = tensor.data.length;
  let isRow = true;
  for (let axis = 0; axis < tensor.dims.length - 1; axis += 1) isRow &&= tensor.dims[axis] === 1;
  if (count < 2 || !isRow || (labels && count !== labels.length)) {
    throw badOutput(
      manifest,
      `scores of shape [${tensor.dims.join(",")}], one row of ${labels?.length ?? "at least 2"} wanted`,
    );
  }
  if (kind === "wad") return encodeWadScores(manifest, tensor);
  const scores = realScores(manifest, kind, tensor);
  let label = 0;
  for (const [index, score] of scores.entries()) if (score > (scores[label] as bigint)) label = index;
  const confidence = scores[label] as bigint;
  return codec === "scores"
    ? encodeRawScores({ label, confidence, scores })
    : encodeRawClassification({ label, confidence });
}

function encodeWadScores(manifest: ModelManifest, { type, data }: RawTensor): Uint8Array {
  if (!(data instanceof BigInt64Array)) throw badOutput(manifest, `scores of type ${type}, int64 wanted`);
  if (manifest.output.codec === "scores") return encodeRawWadScores(data);
  const label = highestWad(data);
  return encodeRawClassification({ label, confidence: data[label] as bigint });
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
