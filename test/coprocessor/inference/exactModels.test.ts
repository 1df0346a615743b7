import { createHash } from "node:crypto";
import { decodeOutput, encodeInput, formatWad, parseWad } from "@sibyl/sdk";
import * as web from "onnxruntime-web";
import { bytesToHex, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { digitSweep, imageOf } from "../../../scripts/train/digits/inputs.ts";
import { drawdownSweep } from "../../../scripts/train/drawdown/inputs.ts";
import { irisInput, irisSweep } from "../../../scripts/train/iris/inputs.ts";
import { collectedLog } from "../collectedLog.ts";
import { committedModel, directSession, exactGoldens, type RuntimeBuild } from "./exactModel.ts";
import { fixture, tensorToTensor } from "./fixtureModel.ts";

web.env.wasm.numThreads = 1;
web.env.logLevel = "fatal";
const webBuild = web as unknown as RuntimeBuild;

const LIMITS = { timeoutMs: 15_000 };
const LEVELS = ["disabled", "basic", "extended", "all"] as const;
/** 1 + … + 32 = 528, so two rounds are the 1,056 inputs of a sweep. */
const EVERY_SIZE = Array.from({ length: 32 }, (_, index) => index + 1);

/** The images that the sweep was made of: two of each digit come first. */
const digitBases = () =>
  exactGoldens("digits")
    .cases.slice(0, 20)
    .map(({ input }) => imageOf(input));

describe.each([
  { name: "iris", sweep: irisSweep, distinctOutputs: 500 },
  // Two scores of one difference of logits, in steps of a table.
  { name: "drawdown", sweep: drawdownSweep, distinctOutputs: 200 },
  { name: "digits", sweep: (count: number) => digitSweep(digitBases(), count), distinctOutputs: 500 },
])("$name", ({ name, sweep, distinctOutputs }) => {
  const model = committedModel(name);
  const goldens = exactGoldens(name);

  test.each([
    { intraOpThreads: 1, optimisation: "all" },
    { intraOpThreads: 2, optimisation: "disabled" },
  ] as const)("goldens: byte for byte, $optimisation on $intraOpThreads threads", async (settings) => {
    const engine = createOnnxEngine({ threads: 1, log: collectedLog(), ...settings });
    try {
      expect(model.manifest.profile).toEqual({ kind: "exact" });
      expect(goldens.modelId).toBe(model.modelId);
      expect(goldens.cases.length).toBeGreaterThanOrEqual(20);
      for (const { name: golden, input, label, confidence, output } of goldens.cases) {
        const result = await engine.run(model, input, LIMITS);
        expect(result.output, golden).toBe(output);
        const decoded =
          model.manifest.output.codec === "scores"
            ? decodeOutput("scores", output)
            : decodeOutput("classification", output);
        expect(model.manifest.output.labels?.[decoded.label], golden).toBe(label);
        expect(formatWad(decoded.confidence), golden).toBe(confidence);
      }
    } finally {
      await engine.close();
    }
  });

  test("exact: the same bytes over threads, optimisation levels, batch sizes, native and WebAssembly", {
    timeout: 120_000,
  }, async () => {
    const inputs = sweep(goldens.sweep.inputs);
    expect(inputs.length).toBe(1_056);
    const reference = await directSession(model, { intraOpThreads: 1, optimisation: "disabled" });
    const { task } = reference;
    const feeds = inputs.map(reference.feed);
    const expected = await reference.scores(feeds, [1]);
    await reference.release();

    // An output is a pure function of a row of scores, so from here on equal scores are equal outputs.
    const outputs = expected.map((row) =>
      task.output({ scores: { type: "int64", dims: [1, row.length], data: row } }),
    );
    const hash = createHash("sha256");
    for (const output of outputs) hash.update(output);
    expect(hash.digest("hex")).toBe(goldens.sweep.outputsSha256);
    // The sweep says something only if it reaches every label, and answers that differ.
    const labels = new Set(expected.map(labelOf));
    expect(labels.size).toBe(model.manifest.output.labels?.length);
    expect(new Set(outputs.map((output) => bytesToHex(output))).size).toBeGreaterThan(distinctOutputs);

    const bytes = bytesOf(expected);
    for (const optimisation of LEVELS) {
      const whole = optimisation === "all";
      for (const intraOpThreads of [1, 2, 4]) {
        const session = await directSession(model, { intraOpThreads, optimisation });
        // In turn everywhere, and each size for all inputs as a node runs the model.
        const plans = [[1], [32], EVERY_SIZE, ...(whole ? EVERY_SIZE.map((size) => [size]) : [])];
        for (const sizes of plans) {
          const actual = bytesOf(await session.scores(feeds, sizes));
          expect(actual.equals(bytes), `${optimisation}, ${intraOpThreads} threads, batches ${sizes}`).toBe(
            true,
          );
        }
        await session.release();
      }
      const wasm = await directSession(model, { intraOpThreads: 1, optimisation }, webBuild);
      for (const sizes of whole ? [[1], EVERY_SIZE] : [[32]]) {
        const actual = bytesOf(await wasm.scores(feeds, sizes));
        expect(actual.equals(bytes), `${optimisation}, WebAssembly, batches ${sizes}`).toBe(true);
      }
      await wasm.release();
    }
  });
});

const labelOf = (row: BigInt64Array): number =>
  row.reduce<number>((best, score, at) => (score > (row[best] as bigint) ? at : best), 0);
const bytesOf = (rows: readonly BigInt64Array[]): Buffer =>
  Buffer.concat(rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength)));

const uint8 = (shape: number[]): Hex => {
  const count = shape.reduce((product, side) => product * side, 1);
  return encodeInput("tensor", { dtype: 2, shape, data: `0x${"00".repeat(count)}` });
};
const WAD_PAIR = {
  ...tensorToTensor,
  output: { codec: "classification" as const },
  task: { type: "tensor", scores: "wad" },
};
const int64 = (...values: bigint[]): Hex => {
  const data = Buffer.from(new BigInt64Array(values).buffer).toString("hex");
  return encodeInput("tensor", { dtype: 7, shape: [1, values.length], data: `0x${data}` });
};

describe("tasks of integers", () => {
  let engine: InferenceEngine;
  beforeAll(() => {
    engine = createOnnxEngine({ threads: 1, log: collectedLog() });
  });
  afterAll(() => engine.close());
  const failure = (code: string, message: RegExp) => ({
    name: "CoprocessorError",
    code: `inference/${code}`,
    message: expect.stringMatching(message),
  });

  test.each<[string, string, Hex, RegExp]>([
    ["three lengths", "iris", irisInput(["1", "2", "3"]), /3 numbers do not fit x/],
    ["five lengths", "iris", irisInput(["1", "2", "3", "4", "5"]), /bytes.*192/],
    ["no lengths", "iris", irisInput([]), /empty/],
    [
      "a length beyond int32",
      "iris",
      irisInput(["1", "21474836.475", "3", "4"]),
      /number 1 \(21474836.475\) is beyond int32/,
    ],
    ["no image", "digits", uint8([0, 28, 28]), /\[0,28,28\] is a tensor without elements/],
    ["two images", "digits", uint8([2, 28, 28]), /bytes.*1056/],
    ["an image without the batch", "digits", uint8([28, 28]), /takes \[N,28,28\]/],
    ["a smaller image", "digits", uint8([1, 8, 8]), /takes \[N,28,28\]/],
    [
      "floats",
      "digits",
      encodeInput("tensor", { dtype: 1, shape: [1, 1, 1], data: "0x00000000" }),
      /takes uint8, float32/,
    ],
  ])("bad input: %s", async (_, name, input, message) => {
    await expect(engine.run(committedModel(name), input, LIMITS)).rejects.toMatchObject(
      failure("bad-input", message),
    );
  });

  test("wad scores: taken as they are, from tensors and from vectors of all decimals", async () => {
    const half = { label: 0, confidence: parseWad("0.5") };
    const tensor = await engine.run(
      fixture("twice", WAD_PAIR),
      int64(parseWad("0.25"), parseWad("0.125")),
      LIMITS,
    );
    expect(decodeOutput("classification", tensor.output)).toEqual(half);
    const vector = fixture("twice", {
      ...WAD_PAIR,
      input: { codec: "vector", maxBytes: 4096 },
      task: { type: "vector", scores: "wad", decimals: 18 },
    });
    const { output } = await engine.run(vector, irisInput(["0.25", "0.249999999999999999"]), LIMITS);
    expect(decodeOutput("classification", output)).toEqual(half);
  });

  test("wad scores: outside 0 to 1, or no integers, are refused", async () => {
    for (const pair of [
      [0n, -1n],
      [0n, parseWad("0.5") + 1n],
    ] as const) {
      await expect(engine.run(fixture("twice", WAD_PAIR), int64(...pair), LIMITS)).rejects.toMatchObject(
        failure("bad-output", /out of range.*0 to 1e18 allowed/),
      );
    }
    const floats = fixture("logits", {
      ...WAD_PAIR,
      input: { codec: "vector", maxBytes: 4096 },
      task: { type: "vector", scores: "wad" },
    });
    await expect(engine.run(floats, irisInput(["1", "2", "3"]), LIMITS)).rejects.toMatchObject(
      failure("bad-output", /float32, int64 wanted/),
    );
  });

  test.each([undefined, -1, 19, 1.5, "2"])("bad manifest: %s decimals", async (decimals) => {
    const vector = fixture("twice", {
      ...WAD_PAIR,
      input: { codec: "vector", maxBytes: 4096 },
      task: { type: "vector", scores: "wad", ...(decimals !== undefined && { decimals }) },
    });
    await expect(engine.run(vector, irisInput(["1", "2"]), LIMITS)).rejects.toMatchObject(
      failure("model-failed", /task.decimals/),
    );
  });
});
