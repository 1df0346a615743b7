/**
 * The engine's throughput, queue excluded, against bare ONNX Runtime on as many cores:
 *
 *     npm run bench:inference [-- --json] [--cores 1] [--seconds 3]
 *
 * At concurrency 1 the bare loop runs one request at a time in one process, and the ratio is one of latencies. At
 * concurrency 64 it runs in as many processes as the engine has, at its best batch size.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { openWorkbench } from "@sibyl/coprocessor";
import { encodeInput, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { bareFeeds } from "./bareFeeds.ts";
import type { BareJob } from "./bareLoop.ts";

interface Row {
  model: string;
  concurrency: number;
  engineItemsPerSec: number;
  bareItemsPerSec: number;
  /** Engine by bare. */
  ratio: number;
  /** Requests per run of the bare loop. */
  bareBatch: number;
  /** Longest that the process with the engine could not react, in milliseconds. */
  eventLoopBlockedMs: number;
}

const MODELS = "models";
const BATCHES = [1, 2, 4, 8, 16, 32];
const CONCURRENCIES = [1, 64];

const { values } = parseArgs({
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
for (const name of readdirSync(MODELS).sort()) {
  const manifest = parseManifest(readFileSync(join(MODELS, name, "manifest.json")));
  // One run of a generator is many of its graph: there is no bare loop to compare it with.
  if (manifest.task.type === "text-generation") continue;
  const goldens = JSON.parse(readFileSync(join(MODELS, name, "goldens.json"), "utf8")) as {
    cases: { input?: Hex; value?: string }[];
  };
  const inputs = goldens.cases.map((golden) => inputOf(manifest, golden));
  for (const concurrency of CONCURRENCIES) {
    const processes = concurrency === 1 ? 1 : cores;
    const bare = await bestBare(name, manifest, inputs, concurrency === 1 ? [1] : BATCHES, processes);
    const engine = await measureEngine(manifest, inputs, concurrency, processes);
    const row = {
      model: name,
      concurrency,
      engineItemsPerSec: round(engine.itemsPerSec),
      bareItemsPerSec: round(bare.itemsPerSec),
      ratio: Number((engine.itemsPerSec / bare.itemsPerSec).toFixed(3)),
      bareBatch: bare.batch,
      eventLoopBlockedMs: round(engine.blockedMs),
    };
    rows.push(row);
    if (!values.json) console.log(row);
  }
}
if (values.json) console.log(JSON.stringify({ cores, seconds: forMs / 1000, rows }, null, 2));

async function measureEngine(
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
  try {
    const model = await workbench.models.resolve(modelId(manifest), "");
    const run = (at: number) =>
      workbench.engine.run(model, inputs[at % inputs.length] as Hex, { timeoutMs: 60_000 });
    await Promise.all(Array.from({ length: 4 * threads }, (_, at) => run(at)));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    let items = 0;
    const startMs = performance.now();
    const lane = async (first: number) => {
      for (let at = first; performance.now() - startMs < forMs; at += concurrency) {
        await run(at);
        items += 1;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, (_, at) => lane(at)));
    const itemsPerSec = (items * 1000) / (performance.now() - startMs);
    delay.disable();
    return { itemsPerSec, blockedMs: delay.max / 1e6 };
  } finally {
    await workbench.close();
  }
}

async function bestBare(
  name: string,
  manifest: ModelManifest,
  inputs: readonly Hex[],
  batches: readonly number[],
  processes: number,
) {
  const feeds = inputs.map((input) => bareFeeds(manifest, input));
  let best = { itemsPerSec: 0, batch: 1 };
  for (const batch of batches) {
    const job = { path: join(MODELS, name, manifest.entry), feeds, batch, forMs: forMs / 2 };
    const loops = Array.from({ length: processes }, () => startBare(job));
    await Promise.all(loops.map(({ ready }) => ready));
    const each = await Promise.all(loops.map(({ measure }) => measure()));
    const itemsPerSec = each.reduce((sum, one) => sum + one, 0);
    if (itemsPerSec > best.itemsPerSec) best = { itemsPerSec, batch };
  }
  return best;
}

function startBare(job: BareJob) {
  const child = spawn(process.execPath, ["--import", "tsx", join(import.meta.dirname, "bareLoop.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the bare loop of ${job.path} ended before its time`);
    return value;
  };
  child.stdin.write(`${JSON.stringify(job)}\n`);
  const ready = next();
  return {
    ready,
    measure(): Promise<number> {
      child.stdin.write("go\n");
      return next().then(Number);
    },
  };
}

function inputOf(manifest: ModelManifest, { input, value }: { input?: Hex; value?: string }): Hex {
  if (input !== undefined) return input;
  if (manifest.input.codec !== "text" || value === undefined) throw new Error("a golden without an input");
  return encodeInput("text", value);
}

function round(number: number): number {
  return Number(number.toPrecision(4));
}
