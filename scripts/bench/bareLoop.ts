/**
 * ONNX Runtime in a loop and nothing else, for a process of its own: what the engine is measured against.
 *
 * Reads a `BareJob` as JSON from a line of standard input, says "ready" when it is warm, waits for another line, and
 * prints items per second.
 */
import { createInterface } from "node:readline";
import * as ort from "onnxruntime-node";
import type { BareTensor } from "./bareFeeds.ts";

export interface BareJob {
  /** Of the graph. */
  path: string;
  /** One request each. */
  feeds: Record<string, BareTensor>[];
  /** Requests per run. */
  batch: number;
  forMs: number;
}

const WARM_UP_RUNS = 20;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { path, feeds, batch, forMs } = JSON.parse(await nextLine()) as BareJob;
const session = await ort.InferenceSession.create(path, {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
// Ready-made batches: making them is no part of the runtime.
const batches = feeds.map((_, start) =>
  stacked(
    Array.from({ length: batch }, (__, at) => feeds[(start + at) % feeds.length] as (typeof feeds)[number]),
  ),
);
for (let run = 0; run < WARM_UP_RUNS; run++)
  await session.run(batches[run % batches.length] as ort.InferenceSession.FeedsType);
process.stdout.write("ready\n");
await nextLine();
const startMs = performance.now();
let runs = 0;
while (performance.now() - startMs < forMs) {
  await session.run(batches[runs % batches.length] as ort.InferenceSession.FeedsType);
  runs += 1;
}
process.stdout.write(`${(runs * batch * 1000) / (performance.now() - startMs)}\n`);
process.exit(0);

async function nextLine(): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error("standard input ended before its time");
  return value;
}

function stacked(rows: readonly Record<string, BareTensor>[]): Record<string, ort.Tensor> {
  const [first] = rows as [Record<string, BareTensor>];
  return Object.fromEntries(
    Object.entries(first).map(([name, { type, dims }]) => {
      const data = rows.flatMap((row): (string | number)[] => row[name]?.data ?? []);
      const shape = [rows.length, ...dims.slice(1)];
      if (type === "string") return [name, new ort.Tensor("string", data as string[], shape)];
      const numbers =
        type === "int32" ? Int32Array.from(data as number[]) : Uint8Array.from(data as number[]);
      return [name, new ort.Tensor(type, numbers as Uint8Array, shape)];
    }),
  );
}
