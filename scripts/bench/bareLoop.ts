/**
 * ONNX Runtime in a loop, for a process of its own: what the engine is measured against. Either the graph alone, on
 * batches that were made before, or all of the work, from each request's bytes to its answer's.
 *
 * Reads a `BareJob` as JSON from a line of standard input and says "ready". Then each line is a `BareSlice`, answered with
 * items per second, or a `BareAnswers`, answered with the outputs as JSON.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseManifest } from "@sibyl/sdk";
import type * as Native from "onnxruntime-node";
import type { Hex } from "viem";
import { byHand, type HandTensor, type HandTensors } from "./byHand.ts";

export interface BareJob {
  /** Of the model. */
  folder: string;
  /** Of one request each. */
  inputs: readonly Hex[];
}

export interface BareSlice {
  /** `graph`: nothing but the runtime. `whole`: from input bytes to output bytes. */
  work: "graph" | "whole";
  /** Requests per run. */
  batch: number;
  forMs: number;
}

export interface BareAnswers {
  work: "answers";
  batch: number;
}

const WARM_UP_RUNS = 3;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { folder, inputs } = JSON.parse((await nextLine()) ?? "") as BareJob;
const manifest = parseManifest(readFileSync(join(folder, "manifest.json")));
const hand = byHand(folder, manifest);
const runner = manifest.runner === "wasm" ? "wasm" : "cpu";
const ort = (
  runner === "wasm" ? await import("onnxruntime-web") : await import("onnxruntime-node")
) as typeof Native;
if (runner === "wasm") ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(join(folder, manifest.entry), {
  executionProviders: [runner],
  executionMode: "sequential",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
const fetches = [String(manifest.task.output ?? session.outputNames[0])];
process.stdout.write("ready\n");
for (let line = await nextLine(); line !== null; line = await nextLine()) {
  const command = JSON.parse(line) as BareSlice | BareAnswers;
  if (command.work === "answers") {
    const answers: Hex[] = [];
    for (let at = 0; at < inputs.length; at += command.batch) {
      answers.push(...(await answer(inputs.slice(at, at + command.batch))));
    }
    process.stdout.write(`${JSON.stringify(answers)}\n`);
  } else {
    process.stdout.write(`${await rateOf(command)}\n`);
  }
}
process.exit(0);

/** Items per second. */
async function rateOf({ work, batch, forMs }: BareSlice): Promise<number> {
  const run = work === "graph" ? await graphRun(batch) : wholeRun(batch);
  for (let at = 0; at < WARM_UP_RUNS; at += 1) await run(at);
  const startMs = performance.now();
  let runs = 0;
  while (performance.now() - startMs < forMs) {
    await run(runs);
    runs += 1;
  }
  return (runs * batch * 1000) / (performance.now() - startMs);
}

function wholeRun(batch: number) {
  const requests = (at: number) =>
    Array.from({ length: batch }, (_, row) => inputs[(at * batch + row) % inputs.length] as Hex);
  return (at: number) => answer(requests(at));
}

/** Ready-made batches: neighbours where they have one shape; else one row repeated, so that nothing is filled up. */
async function graphRun(batch: number) {
  const rows = await Promise.all(inputs.map((input) => hand.tensors(input)));
  const areAlike = new Set(rows.map(shapesOf)).size === 1;
  const batches = rows.map((own, start) =>
    tensorsOf(
      Array.from({ length: batch }, (_, at) =>
        areAlike ? (rows[(start + at) % rows.length] as HandTensors) : own,
      ),
    ),
  );
  return (at: number) => session.run(batches[at % batches.length] as Record<string, Native.Tensor>, fetches);
}

/** From bytes to bytes; those with one shape run together. */
async function answer(requests: readonly Hex[]): Promise<Hex[]> {
  const rows = filledUp(await Promise.all(requests.map((input) => hand.tensors(input))));
  const groups = new Map<string, number[]>();
  for (const [place, row] of rows.entries()) {
    const shapes = shapesOf(row);
    const group = groups.get(shapes);
    if (group) group.push(place);
    else groups.set(shapes, [place]);
  }
  const outputs: Hex[] = [];
  for (const places of groups.values()) {
    const results = await session.run(tensorsOf(places.map((place) => rows[place] as HandTensors)), fetches);
    for (const [row, place] of places.entries())
      outputs[place] = hand.output(rowOf(results, row, places.length));
  }
  return outputs;
}

/** Rows of tokens as long as the longest of their bucket, where the model allows it. */
function filledUp(rows: HandTensors[]): HandTensors[] {
  const { padding } = hand;
  if (padding === null || rows.length === 1) return rows;
  const tokensOf = ({ input_ids }: HandTensors) => input_ids?.dims[1] ?? 0;
  const bucketOf = (row: HandTensors) => Math.ceil(tokensOf(row) / padding.bucketTokens);
  const longest = new Map<number, number>();
  for (const row of rows) {
    const bucket = bucketOf(row);
    longest.set(bucket, Math.max(tokensOf(row), longest.get(bucket) ?? 0));
  }
  return rows.map((row) => {
    const width = longest.get(bucketOf(row)) as number;
    return Object.fromEntries(
      Object.entries(row).map(([name, { type, data }]) => {
        const filled = new BigInt64Array(width).fill(name === "input_ids" ? BigInt(padding.token) : 0n);
        filled.set(data as BigInt64Array);
        return [name, { type, dims: [1, width], data: filled }];
      }),
    );
  });
}

function tensorsOf(rows: readonly HandTensors[]): Record<string, Native.Tensor> {
  const [first] = rows as [HandTensors];
  return Object.fromEntries(
    Object.entries(first).map(([name, { type, dims, data }]) => {
      const shape = [rows.length, ...dims.slice(1)];
      const parts = rows.map((row) => (row[name] as HandTensor).data);
      if (Array.isArray(data)) return [name, new ort.Tensor("string", (parts as string[][]).flat(), shape)];
      const all = new (data.constructor as Float32ArrayConstructor)(data.length * rows.length);
      for (const [row, part] of parts.entries()) all.set(part as Float32Array, row * data.length);
      return [name, new ort.Tensor(type as "float32", all, shape)];
    }),
  );
}

function rowOf(results: Native.InferenceSession.OnnxValueMapType, row: number, count: number): HandTensors {
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => {
      const { type, dims, data } = value as Native.Tensor;
      const width = data.length / count;
      const own = (data as Float32Array).subarray(row * width, (row + 1) * width);
      return [name, { type, dims: [1, ...dims.slice(1)], data: own }];
    }),
  );
}

function shapesOf(row: HandTensors): string {
  return Object.values(row)
    .map(({ dims }) => dims.join("x"))
    .join();
}

async function nextLine(): Promise<string | null> {
  const { value, done } = await lines.next();
  return done ? null : value;
}
