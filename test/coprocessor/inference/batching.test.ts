import { encodeInput, type ModelManifest, parseWad } from "@sibyl/sdk";
import type { Hex } from "viem";
import { afterEach, expect, test, vi } from "vitest";
import { split, stack } from "../../../coprocessor/inference/batch.ts";
import type { RawTensor } from "../../../coprocessor/inference/messages.ts";
import { createOnnxEngine, type OnnxEngineOptions } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { irisSweep } from "../../../scripts/train/iris/inputs.ts";
import { collectedLog } from "../collectedLog.ts";
import { committedModel } from "./exactModel.ts";
import { fixture, numbersToNumbers } from "./fixtureModel.ts";

const LIMITS = { timeoutMs: 15_000 };
const engines: InferenceEngine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

function start(options: Partial<OnnxEngineOptions> = {}): InferenceEngine {
  const engine = createOnnxEngine({ threads: 1, log: collectedLog(), ...options });
  engines.push(engine);
  return engine;
}

const vector = (...numbers: string[]): Hex => encodeInput("vector", numbers.map(parseWad));
/** Three numbers to three numbers, as rows of any batch. */
const rows = (parts: Partial<Pick<ModelManifest, "batch" | "profile" | "runner">> = {}) =>
  fixture("logits", { ...numbersToNumbers, batch: { max: 8 }, ...parts });
const numbered = (count: number) =>
  Array.from({ length: count }, (_, at) => vector(`${at}`, `-${at}`, "0.5"));

test("together: jobs that come together share runs, and each gets its own row", async () => {
  const engine = start();
  await engine.run(rows(), vector("0", "0", "0"), LIMITS);
  const inputs = numbered(40);
  const results = await Promise.all(inputs.map((input) => engine.run(rows(), input, LIMITS)));
  for (const [at, { output }] of results.entries()) expect(output).toBe(inputs[at]);
  // Eight at a time and no more.
  expect(results.map(({ runtime }) => runtime.batch)).toEqual(Array.from({ length: 40 }, () => 8));
});

test("apart: free processes share the jobs that come together", async () => {
  const engine = start({ threads: 2 });
  const together = (count: number) =>
    Promise.all(numbered(count).map((input) => engine.run(rows(), input, LIMITS)));
  // A model's first job runs alone, however many processes there are.
  await together(1);
  // Two jobs are apart only once both processes have started.
  await vi.waitFor(async () => expect((await together(2))[0]?.runtime.batch).toBe(1), LIMITS.timeoutMs);
  const results = await together(8);
  expect(results.map(({ runtime }) => runtime.batch)).toEqual(Array.from({ length: 8 }, () => 4));
});

test("one by one: short jobs of a model without batches share frames, and each runs by itself", async () => {
  const engine = start();
  const model = fixture("logits", numbersToNumbers);
  const inputs = numbered(60);
  const ask = () => Promise.all(inputs.map((input) => engine.run(model, input, LIMITS)));
  // How short they are is known once some have run.
  for (const results of [await ask(), await ask()]) {
    expect(results.map(({ output }) => output)).toEqual(inputs);
    expect(new Set(results.map(({ runtime }) => runtime.batch))).toEqual(new Set([1]));
  }
  const bad = [...inputs.slice(0, 30), vector("1", "2"), ...inputs.slice(30)];
  const runs = await Promise.allSettled(bad.map((input) => engine.run(model, input, LIMITS)));
  for (const [at, run] of runs.entries()) {
    if (at === 30) expect(run).toMatchObject({ reason: { code: "inference/bad-input" } });
    else expect(run).toMatchObject({ value: { output: bad[at] } });
  }
});

test("alone: a job that nobody is with starts at once", async () => {
  const engine = start();
  for (const input of numbered(5)) {
    expect((await engine.run(rows(), input, LIMITS)).runtime.batch).toBe(1);
  }
});

test("alone: models that do not say that their rows are independent, and canonical runs of real numbers", async () => {
  const silent = fixture("logits", numbersToNumbers);
  const canonical = rows({ runner: "wasm" });
  for (const model of [silent, canonical]) {
    const engine = start();
    const results = await Promise.all(numbered(12).map((input) => engine.run(model, input, LIMITS)));
    expect(results.map(({ runtime }) => runtime.batch)).toEqual(results.map(() => 1));
  }
});

test("a manifest that promises what its graph cannot: is refused", async () => {
  const fixed = fixture("external", { ...numbersToNumbers, batch: { max: 4 } });
  await expect(start().run(fixed, vector("1", "2", "3", "4"), LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
  });
  const scalarOut = fixture("fill", {
    ...numbersToNumbers,
    task: { type: "vector", input: "count", output: "sum", decimals: 0 },
    batch: { max: 4 },
  });
  await expect(start().run(scalarOut, vector("1"), LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
    message: expect.stringMatching(
      /batch.max of the manifest is 4, but count\[1\] has no open first dimension/,
    ),
  });
});

test("a neighbour that breaks the run: costs its own job, and the others are run again", async () => {
  const engine = start();
  const model = fixture("pick", { ...numbersToNumbers, batch: { max: 8 } });
  await engine.run(model, vector("1", "1"), LIMITS);
  const places = ["1", "2", "3", "99", "4", "5", "6"];
  const runs = await Promise.allSettled(places.map((at) => engine.run(model, vector(at, "1"), LIMITS)));
  for (const [index, run] of runs.entries()) {
    if (places[index] === "99") {
      expect(run).toMatchObject({ status: "rejected", reason: { code: "inference/model-failed" } });
    } else {
      expect(run).toMatchObject({ value: { output: vector(`${places[index]}0`, "10") } });
    }
  }
});

test("exact models: bytes in company are the bytes alone", { timeout: 30_000 }, async () => {
  const iris = committedModel("iris");
  const apart = { ...iris, manifest: { ...iris.manifest, batch: { max: 1 } } };
  const company = { ...iris, manifest: { ...iris.manifest, batch: { max: 32 } } };
  const inputs = irisSweep(200);
  const [one, other] = [start(), start()];
  const alone = await Promise.all(inputs.map((input) => one.run(apart, input, LIMITS)));
  const together = await Promise.all(inputs.map((input) => other.run(company, input, LIMITS)));
  expect(together.map(({ output }) => output)).toEqual(alone.map(({ output }) => output));
  expect(Math.max(...alone.map(({ runtime }) => runtime.batch))).toBe(1);
  expect(Math.max(...together.map(({ runtime }) => runtime.batch))).toBe(32);
});

const tensor = (type: string, dims: number[], data: RawTensor["data"]): RawTensor => ({ type, dims, data });

test("stack and split: are each other's inverse, for numbers and texts", () => {
  const one = { x: tensor("int64", [1, 2], BigInt64Array.of(1n, 2n)), t: tensor("string", [1], ["a"]) };
  const two = { x: tensor("int64", [1, 2], BigInt64Array.of(3n, 4n)), t: tensor("string", [1], ["b"]) };
  const both = stack([one, two]);
  expect(both.x).toEqual(tensor("int64", [2, 2], BigInt64Array.of(1n, 2n, 3n, 4n)));
  expect(split(both, 2)).toEqual([one, two]);
});

test("split: refuses what is not one row per request", () => {
  expect(split({ y: tensor("float32", [1, 4], new Float32Array(4)) }, 2)).toBeNull();
  expect(split({ y: tensor("float32", [], new Float32Array(1)) }, 2)).toBeNull();
});
