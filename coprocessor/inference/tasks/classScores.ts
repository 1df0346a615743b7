import { encodeOutput, type ModelManifest, toWad, WAD } from "@sibyl/sdk";
import type { Hex } from "viem";
import { inferenceError } from "../inferenceError.ts";
import type { RawTensor } from "../messages.ts";

/** How far rounding may take a probability out of 0 to 1 before it is none. */
const ROUNDING = 1e-5;

/** Whether a graph's scores are probabilities already, or logits that need a softmax. */
export type ScoreKind = "probability" | "logit";

/** @throws CoprocessorError `inference/model-failed` when the manifest says neither. */
export function scoreKind(manifest: ModelManifest): ScoreKind {
  const { scores } = manifest.task;
  if (scores === "probability" || scores === "logit") return scores;
  throw inferenceError(
    "model-failed",
    `task.scores of the manifest must be "probability" or "logit", not ${JSON.stringify(scores)}`,
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
  if (!(tensor.data instanceof Float32Array || tensor.data instanceof Float64Array)) {
    throw badOutput(manifest, `scores of type ${tensor.type}, float32 or float64 wanted`);
  }
  const raw = Array.from(tensor.data);
  const isRow = tensor.dims.slice(0, -1).every((dimension) => dimension === 1);
  if (raw.length < 2 || !isRow || (labels && raw.length !== labels.length)) {
    throw badOutput(
      manifest,
      `scores of shape [${tensor.dims.join(",")}], one row of ${labels?.length ?? "at least 2"} wanted`,
    );
  }
  const broken = raw.findIndex((score) => !Number.isFinite(score));
  if (broken !== -1) throw badOutput(manifest, `score ${broken} is ${raw[broken]}`);
  const outside =
    kind === "probability" ? raw.find((score) => score < -ROUNDING || score > 1 + ROUNDING) : undefined;
  if (outside !== undefined) throw badOutput(manifest, `the probability ${outside} is not within 0 and 1`);

  const scores = (kind === "logit" ? softmax(raw) : raw).map((score) => clamp(toWad(score)));
  let label = 0;
  for (const [index, score] of scores.entries()) if (score > (scores[label] as bigint)) label = index;
  const confidence = scores[label] as bigint;
  return codec === "scores"
    ? encodeOutput("scores", { label, confidence, scores })
    : encodeOutput("classification", { label, confidence });
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
