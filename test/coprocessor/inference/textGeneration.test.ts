import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { decodeOutput, encodeInput, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { chooseToken, seededFractions } from "../../../coprocessor/inference/sampling.ts";
import { collectedLog } from "../collectedLog.ts";

const LIMITS = { timeoutMs: 30_000 };
const FOLDER = resolve(import.meta.dirname, "../../../models/moby-lm");
const read = (name: string) => readFileSync(join(FOLDER, name));
interface Golden {
  name: string;
  value: string;
  answer: string;
  input: Hex;
  output: Hex;
}
const goldens: { modelId: Hex; cases: Golden[] } = JSON.parse(read("goldens.json").toString());

/** The committed model, with changes to what its manifest says of the task. */
function moby(
  task: object = {},
  parts: Partial<Pick<ModelManifest, "runner" | "batch">> = {},
): ResolvedModel {
  const committed = JSON.parse(read("manifest.json").toString());
  const manifest = parseManifest({ ...committed, ...parts, task: { ...committed.task, ...task } });
  const files = Object.fromEntries(manifest.files.map(({ path }) => [path, join(FOLDER, path)]));
  return { modelId: modelId(manifest), manifest, files };
}

let engine: InferenceEngine;
beforeAll(() => {
  engine = createOnnxEngine({ threads: 1, log: collectedLog() });
});
afterAll(() => engine.close());

const goOn = async (model: ResolvedModel, prompt: string) =>
  decodeOutput("text", (await engine.run(model, encodeInput("text", prompt), LIMITS)).output);

test("goldens: byte for byte, though they were made without the cache", { timeout: 60_000 }, async () => {
  expect(goldens.modelId).toBe(moby().modelId);
  expect(goldens.cases.length).toBeGreaterThanOrEqual(20);
  for (const { name, value, answer, input, output } of goldens.cases) {
    const result = await engine.run(moby(), input, LIMITS);
    expect(result.output, name).toBe(output);
    expect(result.runtime).toMatchObject({ library: "onnxruntime-web", used: ["wasm"] });
    expect(encodeInput("text", value)).toBe(input);
    expect(decodeOutput("text", output)).toBe(answer);
  }
});

test("token limit: the text ends with it", async () => {
  const [{ value, answer }] = goldens.cases as [Golden, ...Golden[]];
  const short = await goOn(moby({ maxNewTokens: 4 }), value);
  expect(answer.startsWith(short)).toBe(true);
  expect(short.length).toBeGreaterThan(0);
  expect(short.length).toBeLessThan(answer.length);
});

test("stop rules: a text or a token ends the answer, and is no part of it", async () => {
  const [{ value, answer }] = goldens.cases as [Golden, ...Golden[]];
  const word = answer.trim().split(" ")[2] as string;
  expect(await goOn(moby({ stopTexts: [word] }), value)).toBe(answer.slice(0, answer.indexOf(word)));
  const tokenizer = JSON.parse(read("tokenizer.json").toString());
  const everything = Object.values<number>(tokenizer.model.vocab);
  const first = await goOn(moby({ maxNewTokens: 1 }), value);
  const token = tokenizer.model.vocab[first.replace(" ", "Ġ").replace("\n", "Ċ")] as number;
  expect(everything).toContain(token);
  expect(await goOn(moby({ stopTokens: [token] }), value)).toBe("");
});

test("sampling: is drawn from the prompt, so it repeats, and differs from greedy", async () => {
  const sampled = moby({ sampling: { temperature: 1, topK: 40 } });
  const one = await goOn(sampled, "The white whale");
  expect(await goOn(sampled, "The white whale")).toBe(one);
  expect(one).not.toBe(await goOn(moby(), "The white whale"));
});

test("bad input: a prompt without room for an answer, or without text", async () => {
  await expect(goOn(moby(), "zq".repeat(150))).rejects.toMatchObject({
    code: "inference/bad-input",
    retry: "never",
    message: expect.stringMatching(/the prompt has \d+ tokens, 1 to 208 allowed/),
  });
  await expect(goOn(moby(), "  ")).rejects.toMatchObject({ code: "inference/bad-input" });
  await expect(goOn(moby(), "a\0b")).rejects.toMatchObject({ code: "inference/bad-input" });
});

test.each<[string, object, RegExp]>([
  ["a tokenizer that is no file of it", { tokenizer: "other.json" }, /other.json is not among/],
  ["no room for a prompt", { maxNewTokens: 256 }, /leave no room in 256/],
  ["no word on the context", { contextTokens: undefined }, /contextTokens/],
  ["a temperature of nothing", { sampling: { temperature: 0, topK: 1 } }, /temperature/],
])("bad manifest: %s", async (_, task, message) => {
  const { contextTokens, ...rest } = { ...moby().manifest.task, ...task } as Record<string, unknown>;
  const kept = contextTokens === undefined ? rest : { ...rest, contextTokens };
  const committed = JSON.parse(read("manifest.json").toString());
  const manifest = parseManifest({ ...committed, task: kept });
  const model = { ...moby(), manifest, modelId: modelId(manifest) };
  await expect(goOn(model, "The whale")).rejects.toMatchObject({
    code: "inference/model-failed",
    message: expect.stringMatching(message),
  });
});

test("a tokenizer changed after it was checked: is not used, and the next job runs", async () => {
  const model = moby();
  const fresh = createOnnxEngine({ threads: 1, log: collectedLog() });
  const prompt = encodeInput("text", "The whale");
  const path = join(FOLDER, "README.md");
  const swapped = {
    ...model,
    modelId: `0x${"11".repeat(32)}` as Hex,
    files: { ...model.files, "tokenizer.json": path },
  };
  await expect(fresh.run(swapped, prompt, LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
    retry: "backoff",
    message: expect.stringMatching(/changed after it was checked/),
  });
  await expect(fresh.run(model, prompt, LIMITS)).resolves.toBeDefined();
  await fresh.close();
});

describe("chooseToken", () => {
  const fractions = (...values: number[]) => values[Symbol.iterator]();

  test("greedy: the highest score, of equal ones the lowest token", () => {
    expect(chooseToken(Float32Array.of(1, 3, 3, 2), undefined, fractions())).toBe(1);
  });

  test("sampling: shares follow the softmax, and only the top k are drawn", () => {
    const logits = Float32Array.of(Math.log(1), Math.log(2), Math.log(5), -50);
    const sampling = { temperature: 1, topK: 3 };
    const drawn = [0, 0.62, 0.63, 0.87, 0.88, 0.999].map((f) => chooseToken(logits, sampling, fractions(f)));
    expect(drawn).toEqual([2, 2, 1, 1, 0, 0]);
    expect(chooseToken(logits, { temperature: 1, topK: 1 }, fractions(0.999))).toBe(2);
  });

  test("seeded: the same numbers for the same text, spread over 0 to 1", () => {
    const take = (seed: string) => {
      const source = seededFractions(seed);
      return Array.from({ length: 1_000 }, () => source.next().value);
    };
    expect(take("a")).toEqual(take("a"));
    expect(take("a")[0]).not.toBe(take("b")[0]);
    const mean = take("a").reduce((sum, value) => sum + value, 0) / 1_000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
    expect(Math.min(...take("a"))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...take("a"))).toBeLessThan(1);
  });
});
