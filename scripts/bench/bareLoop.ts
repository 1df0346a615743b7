/**
 * ONNX Runtime in a loop, for a process of its own: what the engine is measured against. Either the graph alone, on
 * batches that were made before, or all of the work, from each request's bytes to its answer's. Texts are generated for
 * one request at a time; the graph alone then runs once more on what it was fed for each token.
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
import { bareWork } from "./bareWork.ts";

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
const { answer, graphRun } = bareWork(folder, manifest, session, ort);
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
  const run = work === "graph" ? await graphRun(inputs, batch) : wholeRun(batch);
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

async function nextLine(): Promise<string | null> {
  const { value, done } = await lines.next();
  return done ? null : value;
}
