/**
 * Measures the trained drawdown graph in ONNX Runtime and writes the model's folder.
 *
 *     evaluate.ts TRAINED_FOLDER MODEL_FOLDER
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeInput } from "@sibyl/sdk";
import { Tensor } from "onnxruntime-node";
import { publish } from "../integer/publish.ts";
import { modelCard, type TrainedFacts } from "./card.ts";
import { AWKWARD, drawdownInput, drawdownSweep } from "./inputs.ts";

interface Trained extends TrainedFacts {
  /** Inputs in basis points. */
  heldOut: { date: string; label: number; input: number[]; scores: string[] }[];
}

const [trainedFolder, target] = process.argv.slice(2);
if (!trainedFolder || !target) throw new Error("usage: evaluate.ts TRAINED_FOLDER MODEL_FOLDER");
const trained = JSON.parse(readFileSync(join(trainedFolder, "trained.json"), "utf8")) as Trained;
const days = trained.heldOut.map(({ date, label, input, scores }) => {
  const value = input.map((basisPoints) => String(basisPoints / 10_000));
  return { date, label, scores, value, input: drawdownInput(value) };
});

const BASIS_POINT = 10n ** 14n;

/** To the nearest; a half goes away from zero. */
function basisPointsOf(wad: bigint): number {
  const size = wad < 0n ? -wad : wad;
  const basisPoints = Number((2n * size + BASIS_POINT) / (2n * BASIS_POINT));
  return wad < 0n ? -basisPoints : basisPoints;
}

/** Days on which much was to come, beside one of every 150. */
const GOLDEN_DAYS = [
  "2014-10-15",
  "2015-08-20",
  "2015-08-25",
  "2017-07-03",
  "2018-02-02",
  "2018-12-20",
  "2020-02-19",
];

await publish({
  trained: trainedFolder,
  target,
  manifest: {
    name: "drawdown",
    description: "Says how likely a price is to close 5 percent lower on a day of the next ten.",
    license: "MIT",
    input: { codec: "vector", maxBytes: 224 },
    output: { codec: "scores", labels: ["calm", "drop"] },
    task: { type: "vector", input: "x", output: "scores", scores: "wad", decimals: 4 },
    sources: [
      {
        name: "S&P 500, daily closes 2000 to 2020",
        package: "vega-datasets@3.2.1",
        license: "BSD-3-Clause",
        script: "scripts/train/drawdown.sh",
      },
    ],
  },
  feed: (input) => new Tensor("int32", decodeInput("vector", input).map(basisPointsOf), [1, 5]),
  heldOut: days,
  metrics: { heldOutProbability: trained.measured, heldOutFifths: trained.fifths },
  goldens: [
    ...days
      .filter(({ date }, at) => at % 150 === 0 || GOLDEN_DAYS.includes(date))
      .map(({ date, value, input }) => ({ name: date, value, input })),
    ...AWKWARD.map(({ name, value }) => ({ name, value, input: drawdownInput(value) })),
  ],
  sweep: drawdownSweep(1_056),
  card: (facts) => modelCard(facts, trained),
});
