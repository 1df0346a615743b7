import { decodeOutput, decodeTensor, encodeInput, parseWad, tensorValues } from "@sibyl/sdk";
import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { fixture, numbersToNumbers, tensorToTensor } from "./fixtureModel.ts";
import { spamText } from "./spamText.ts";

const LIMITS = { timeoutMs: 15_000 };
const INT64 = 7;
let engine: InferenceEngine;

const vector = (...numbers: string[]): Hex => encodeInput("vector", numbers.map(parseWad));
const int64 = (shape: number[], values: bigint[]): Hex => {
  const bytes = Buffer.from(new BigInt64Array(values).buffer);
  return encodeInput("tensor", { dtype: INT64, shape, data: `0x${bytes.toString("hex")}` });
};
const failure = (code: string, message: RegExp) => ({
  name: "CoprocessorError",
  code: `inference/${code}`,
  retry: "never",
  message: expect.stringMatching(message),
});

// Both builds of the runtime behind the one port.
describe.each(["cpu", "wasm"] as const)("tasks on %s", (provider) => {
  beforeAll(() => {
    engine = createOnnxEngine({ threads: 1, providers: { provider, ofModel: {} }, log: collectedLog() });
  });
  afterAll(() => engine.close());

  test("vector: real numbers go in and come out", async () => {
    const { output } = await engine.run(
      fixture("affine", numbersToNumbers),
      vector("0", "-1.5", "1000000"),
      LIMITS,
    );
    expect(decodeOutput("vector", output)).toEqual(["1", "-2", "2000001"].map(parseWad));
  });

  test("scalar: one number comes out, and only one", async () => {
    const model = fixture("affine", { ...numbersToNumbers, output: { codec: "scalar" } });
    const { output } = await engine.run(model, vector("0.25"), LIMITS);
    expect(decodeOutput("scalar", output)).toBe(parseWad("1.5"));
    await expect(engine.run(model, vector("1", "2"), LIMITS)).rejects.toMatchObject(
      failure("bad-output", /2 numbers, a scalar is one/),
    );
  });

  test("logits: become probabilities, the highest is the label", async () => {
    const model = fixture("logits", {
      ...numbersToNumbers,
      output: { codec: "scores", labels: ["a", "b", "c"] },
      task: { type: "vector", scores: "logit" },
    });
    const { output } = await engine.run(model, vector("1000", "1001", "-1000"), LIMITS);
    const { label, confidence, scores } = decodeOutput("scores", output);
    expect(label).toBe(1);
    expect(Number(confidence) / 1e18).toBeCloseTo(Math.E / (1 + Math.E), 12);
    expect(scores[2]).toBe(0n);
    expect(Number(scores.reduce((sum, score) => sum + score)) / 1e18).toBeCloseTo(1, 12);
  });

  test("equal scores: the lowest label wins", async () => {
    const model = fixture("logits", {
      ...numbersToNumbers,
      output: { codec: "classification" },
      task: { type: "vector", scores: "probability" },
    });
    const { output } = await engine.run(model, vector("0.25", "0.375", "0.375"), LIMITS);
    expect(decodeOutput("classification", output)).toEqual({ label: 1, confidence: parseWad("0.375") });
  });

  test("tensor: 64-bit integers keep every bit", async () => {
    const { output } = await engine.run(
      fixture("twice", tensorToTensor),
      int64([2, 2], [1n, -2n, 4611686018427387903n, 0n]),
      LIMITS,
    );
    const tensor = decodeTensor(output);
    expect(tensor).toMatchObject({ dtype: INT64, shape: [2, 2] });
    expect(tensorValues(tensor)).toEqual([2n, -4n, 9223372036854775806n, 0n]);
  });

  test.each<[string, Hex, RegExp]>([
    [
      "another dtype",
      encodeInput("tensor", { dtype: 1, shape: [1, 2], data: "0x0000000000000000" }),
      /takes int64, float32 given/,
    ],
    ["another rank", int64([2], [1n, 2n]), /takes \[N,2\], \[2\] given/],
    ["another dimension", int64([1, 3], [1n, 2n, 3n]), /takes \[N,2\], \[1,3\] given/],
    ["a vector instead", vector("1"), /./],
  ])("bad tensor: %s", async (_, input, message) => {
    await expect(engine.run(fixture("twice", tensorToTensor), input, LIMITS)).rejects.toMatchObject(
      failure("bad-input", message),
    );
  });

  test("bad vector: numbers that the graph cannot take", async () => {
    const logits = fixture("logits", numbersToNumbers);
    await expect(engine.run(logits, vector("1", "2"), LIMITS)).rejects.toMatchObject(
      failure("bad-input", /2 numbers do not fit x\[N,3\]/),
    );
    await expect(engine.run(logits, encodeInput("vector", []), LIMITS)).rejects.toMatchObject(
      failure("bad-input", /empty/),
    );
    const huge = encodeInput("vector", [parseWad("1") * 10n ** 39n]);
    await expect(engine.run(fixture("affine", numbersToNumbers), huge, LIMITS)).rejects.toMatchObject(
      failure("bad-input", /beyond float32/),
    );
  });

  test.each([
    ["NaN", "-1"],
    ["an infinity", "0"],
  ])("bad output: %s is never made into a number", async (_, number) => {
    const classes = {
      ...numbersToNumbers,
      output: { codec: "classification" as const },
      task: { type: "vector", scores: "logit" },
    };
    await expect(
      engine.run(fixture("log", numbersToNumbers), vector("1", number), LIMITS),
    ).rejects.toMatchObject(failure("bad-output", /finite/));
    await expect(engine.run(fixture("log", classes), vector("1", number), LIMITS)).rejects.toMatchObject(
      failure("bad-output", /score 1 is/),
    );
  });

  test("bad output: probabilities outside 0 to 1, or not one per label", async () => {
    const parts = { ...numbersToNumbers, task: { type: "vector", scores: "probability" } };
    const three = fixture("logits", { ...parts, output: { codec: "classification" } });
    await expect(engine.run(three, vector("0.5", "1.5", "0"), LIMITS)).rejects.toMatchObject(
      failure("bad-output", /probability 1.5/),
    );
    const two = fixture("logits", { ...parts, output: { codec: "classification", labels: ["a", "b"] } });
    await expect(engine.run(two, vector("0.5", "0.5", "0"), LIMITS)).rejects.toMatchObject(
      failure("bad-output", /one row of 2/),
    );
  });

  test("bad output: more than fits a transaction", async () => {
    const ones = fixture("fill", { ...tensorToTensor, task: { type: "tensor", output: "ones" } });
    const count = (number: bigint) => int64([1], [number]);
    await expect(engine.run(ones, count(1_000n), LIMITS)).resolves.toBeDefined();
    await expect(engine.run(ones, count(30_000n), LIMITS)).rejects.toMatchObject(
      failure("bad-output", /98304 allowed/),
    );
    await expect(engine.run(ones, count(3_000_000n), LIMITS)).rejects.toMatchObject(
      failure("bad-output", /8388608 allowed/),
    );
  });

  test.each([
    ["an unknown task", { ...numbersToNumbers, task: { type: "divination" } }, /task divination is unknown/],
    [
      "a task named like an object's property",
      { ...numbersToNumbers, task: { type: "constructor" } },
      /unknown/,
    ],
    [
      "a codec that the task cannot read",
      { ...numbersToNumbers, input: { codec: "text" as const, maxBytes: 99 } },
      /takes vector as input codec/,
    ],
    [
      "an output that the graph has not",
      { ...numbersToNumbers, task: { type: "vector", output: "z" } },
      /names "z", the graph has y/,
    ],
    [
      "no word on what scores are",
      { ...numbersToNumbers, output: { codec: "classification" as const } },
      /task.scores/,
    ],
    [
      "text for a graph of numbers",
      {
        ...spamText().manifest,
        profile: { kind: "exact" as const },
        task: { type: "text-classification", scores: "logit" },
      },
      /needs strings/,
    ],
  ])("bad manifest: %s", async (_, { input, output, task }, message) => {
    await expect(
      engine.run(fixture("affine", { input, output, task }), vector("1"), LIMITS),
    ).rejects.toMatchObject(failure("model-failed", message));
  });
});
