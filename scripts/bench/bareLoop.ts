/**
 * ONNX Runtime in a loop and nothing else, for a process of its own: what the engine is measured against.
 *
 * Reads a `BareJob` as JSON from a line of standard input and says "ready". Then each line is a `BareSlice`, answered with
 * items per second.
 */
import { createInterface } from "node:readline";
import type * as Native from "onnxruntime-node";
import type { BareTensor } from "./bareFeeds.ts";

export interface BareJob {
  /** Of the graph. */
  path: string;
  runner: "native" | "wasm";
  /** One request each. */
  feeds: Record<string, BareTensor>[];
}

export interface BareSlice {
  /** Requests per run. */
  batch: number;
  forMs: number;
}

const WARM_UP_RUNS = 3;
const ARRAYS = { uint8: Uint8Array, int32: Int32Array, int64: BigInt64Array, float32: Float32Array };

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { path, runner, feeds } = JSON.parse((await nextLine()) ?? "") as BareJob;
const ort = (
  runner === "wasm" ? await import("onnxruntime-web") : await import("onnxruntime-node")
) as typeof Native;
if (runner === "wasm") ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(path, {
  executionProviders: [runner === "wasm" ? "wasm" : "cpu"],
  executionMode: "sequential",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
process.stdout.write("ready\n");
for (let line = await nextLine(); line !== null; line = await nextLine()) {
  const { batch, forMs } = JSON.parse(line) as BareSlice;
  // Ready-made batches: making them is no part of the runtime.
  const batches = feeds.map((_, start) => stacked(rowsFrom(start, batch)));
  const run = (at: number) => session.run(batches[at % batches.length] as Native.InferenceSession.FeedsType);
  for (let at = 0; at < WARM_UP_RUNS; at += 1) await run(at);
  const startMs = performance.now();
  let runs = 0;
  while (performance.now() - startMs < forMs) {
    await run(runs);
    runs += 1;
  }
  process.stdout.write(`${(runs * batch * 1000) / (performance.now() - startMs)}\n`);
}
process.exit(0);

async function nextLine(): Promise<string | null> {
  const { value, done } = await lines.next();
  return done ? null : value;
}

/** Neighbours where they have one shape; else one row repeated, so that nothing has to be filled up. */
function rowsFrom(start: number, batch: number): Record<string, BareTensor>[] {
  const shapeOf = (row: Record<string, BareTensor>) =>
    JSON.stringify(Object.values(row).map(({ dims }) => dims));
  const areAlike = new Set(feeds.map(shapeOf)).size === 1;
  return Array.from(
    { length: batch },
    (_, at) => feeds[areAlike ? (start + at) % feeds.length : start] as (typeof feeds)[number],
  );
}

function stacked(rows: readonly Record<string, BareTensor>[]): Record<string, Native.Tensor> {
  const [first] = rows as [Record<string, BareTensor>];
  return Object.fromEntries(
    Object.entries(first).map(([name, { type, dims }]) => {
      const shape = [rows.length, ...dims.slice(1)];
      if (type === "string") {
        const texts = rows.flatMap((row) => (row[name]?.data ?? []) as string[]);
        return [name, new ort.Tensor("string", texts, shape)];
      }
      const bytes = Buffer.concat(rows.map((row) => Buffer.from(row[name]?.data as string, "base64")));
      const numbers = new ARRAYS[type](Uint8Array.from(bytes).buffer);
      return [name, new ort.Tensor(type as "float32", numbers as Float32Array, shape)];
    }),
  );
}
