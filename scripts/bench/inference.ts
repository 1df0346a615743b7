/**
 * The engine's throughput, queue excluded, against ONNX Runtime without it on as many cores:
 *
 *     npm run bench:inference [-- --json] [--cores 1] [--seconds 3] [model…]
 *
 * Two loops stand beside it. `bare` does what the engine does, from each input's bytes to its output's, as one would
 * write it by hand in the process that runs the graph (`byHand.ts`); `ratio` compares with that. `graph` runs nothing but
 * the graph, on tensors that were made before and with results that nobody reads; `graphRatio` compares with that.
 *
 * At concurrency 1 the loops run one request at a time in one process, and the ratios are of latencies. At concurrency
 * 64 they run in as many processes as the engine has, each at its best batch size. All take turns in short slices, so
 * that whatever else the machine does meets all of them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { openWorkbench } from "@sibyl/coprocessor";
import { agree, encodeInput, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { fetchWeights } from "../models/weights.ts";
import type { BareSlice } from "./bareLoop.ts";
import { type BareLoops, openBareLoops } from "./bareLoops.ts";

interface Row {
  model: string;
  concurrency: number;
  engineItemsPerSec: number;
  /** Of the whole task, by hand. */
  bareItemsPerSec: number;
  /** Engine by bare. */
  ratio: number;
  /** Requests per run of the bare loop. */
  bareBatch: number;
  /** Of the sample inputs, how many of the bare loop's answers agree with the engine's under the model's profile. */
  bareAgreeing: string;
  /** Of the graph alone. */
  graphItemsPerSec: number;
  /** Engine by graph. */
  graphRatio: number;
  graphBatch: number;
  /** Longest that the process with the engine could not react, in milliseconds. */
  eventLoopBlockedMs: number;
}

const MODELS = "models";
const BATCHES = [1, 2, 4, 8, 16, 32];
const CONCURRENCIES = [1, 64];
const ROUNDS = 6;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    cores: { type: "string", default: String(availableParallelism()) },
    seconds: { type: "string", default: "3" },
  },
});
const cores = Number(values.cores);
const forMs = Number(values.seconds) * 1000;
if (!(Number.isInteger(cores) && cores > 0 && forMs > 0))
  throw new Error("--cores and --seconds are above 0");

const rows: Row[] = [];
for (const name of positionals.length > 0 ? positionals : readdirSync(MODELS).sort()) {
  await fetchWeights(name);
  const manifest = parseManifest(readFileSync(join(MODELS, name, "manifest.json")));
  const goldens = JSON.parse(readFileSync(join(MODELS, name, "goldens.json"), "utf8")) as {
    cases: { input?: Hex; value?: string }[];
  };
  const inputs = goldens.cases.map((golden) => inputOf(manifest, golden));
  for (const concurrency of CONCURRENCIES) {
    const row = await compare(name, manifest, inputs, concurrency);
    rows.push(row);
    if (!values.json) console.log(row);
  }
}
if (values.json) console.log(JSON.stringify({ cores, seconds: forMs / 1000, rows }, null, 2));

async function compare(
  name: string,
  manifest: ModelManifest,
  inputs: readonly Hex[],
  concurrency: number,
): Promise<Row> {
  const processes = concurrency === 1 ? 1 : cores;
  const bare = await openBareLoops({ folder: join(MODELS, name), inputs }, processes);
  const engine = await openEngine(manifest, inputs, concurrency, processes);
  try {
    const isAlone = concurrency === 1 || manifest.task.type === "text-generation";
    const best = (work: BareSlice["work"]) => (isAlone ? 1 : bestBatch(bare, work));
    const [bareBatch, graphBatch] = [await best("whole"), await best("graph")];
    const answers = await bare.answers(bareBatch);
    const { codec } = manifest.output;
    const agreeing = (await engine.answers()).filter(
      (answer, at) => agree(codec, manifest.profile, answer, answers[at] as Hex).agrees,
    );
    const sums = { engine: 0, bare: 0, graph: 0 };
    let blockedMs = 0;
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round += 1) {
      const sliceMs = forMs / ROUNDS;
      const whole = await bare.measure({ work: "whole", batch: bareBatch, forMs: sliceMs });
      const slice = await engine.measure(sliceMs);
      const graph = await bare.measure({ work: "graph", batch: graphBatch, forMs: sliceMs });
      if (round === 0) continue;
      sums.bare += whole;
      sums.engine += slice.itemsPerSec;
      sums.graph += graph;
      blockedMs = Math.max(blockedMs, slice.blockedMs);
    }
    return {
      model: name,
      concurrency,
      engineItemsPerSec: round(sums.engine / ROUNDS),
      bareItemsPerSec: round(sums.bare / ROUNDS),
      ratio: Number((sums.engine / sums.bare).toFixed(3)),
      bareBatch,
      bareAgreeing: `${agreeing.length} of ${inputs.length}`,
      graphItemsPerSec: round(sums.graph / ROUNDS),
      graphRatio: Number((sums.engine / sums.graph).toFixed(3)),
      graphBatch,
      eventLoopBlockedMs: round(blockedMs),
    };
  } finally {
    bare.close();
    await engine.close();
  }
}

async function openEngine(
  manifest: ModelManifest,
  inputs: readonly Hex[],
  concurrency: number,
  threads: number,
) {
  const workbench = openWorkbench({
    modelFolders: [MODELS],
    dataDir: ".cache/bench",
    threads,
    providers: { provider: "cpu", ofModel: {} },
  });
  const model = await workbench.models.resolve(modelId(manifest), "");
  const run = (at: number) =>
    workbench.engine.run(model, inputs[at % inputs.length] as Hex, { timeoutMs: 60_000 });
  for (let at = 0; at < 4; at += 1) {
    await Promise.all(Array.from({ length: 4 * threads }, (_, lane) => run(at + lane)));
  }
  return {
    async answers(): Promise<Hex[]> {
      return (await Promise.all(inputs.map((_, at) => run(at)))).map(({ output }) => output);
    },
    async measure(sliceMs: number) {
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      let items = 0;
      const startMs = performance.now();
      const lane = async (first: number) => {
        for (let at = first; performance.now() - startMs < sliceMs; at += concurrency) {
          await run(at);
          items += 1;
        }
      };
      await Promise.all(Array.from({ length: concurrency }, (_, at) => lane(at)));
      const itemsPerSec = (items * 1000) / (performance.now() - startMs);
      delay.disable();
      return { itemsPerSec, blockedMs: delay.max / 1e6 };
    },
    close: () => workbench.close(),
  };
}

async function bestBatch(bare: BareLoops, work: BareSlice["work"]): Promise<number> {
  let best = { itemsPerSec: 0, batch: 1 };
  for (const batch of BATCHES) {
    const itemsPerSec = await bare.measure({ work, batch, forMs: forMs / BATCHES.length });
    if (itemsPerSec > best.itemsPerSec) best = { itemsPerSec, batch };
  }
  return best.batch;
}

function inputOf(manifest: ModelManifest, { input, value }: { input?: Hex; value?: string }): Hex {
  if (input !== undefined) return input;
  if (manifest.input.codec !== "text" || value === undefined) throw new Error("a golden without an input");
  return encodeInput("text", value);
}

function round(number: number): number {
  return Number(number.toPrecision(4));
}
