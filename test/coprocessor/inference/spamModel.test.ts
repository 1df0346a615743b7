import { agree, decodeOutput, encodeInput, formatWad } from "@sibyl/sdk";
import { encodeAbiParameters, type Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runtimeText } from "../../../coprocessor/core/runtime.ts";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { spamText, spamTextGoldens } from "./spamText.ts";

const model = spamText();
const LIMITS = { timeoutMs: 15_000 };
let engine: InferenceEngine;

beforeAll(() => {
  engine = createOnnxEngine({ threads: 2, log: collectedLog() });
});
afterAll(() => engine.close());

const classify = async (text: string) => {
  const { output } = await engine.run(model, encodeInput("text", text), LIMITS);
  return decodeOutput("classification", output);
};

test("goldens: each answer agrees with the recorded one under the model's profile", async () => {
  const goldens = spamTextGoldens();
  expect(goldens.modelId).toBe(model.modelId);
  expect(goldens.cases.length).toBeGreaterThanOrEqual(20);
  for (const { name, value, label, confidence, output } of goldens.cases) {
    const result = await engine.run(model, encodeInput("text", value), LIMITS);
    expect(agree("classification", model.manifest.profile, result.output, output), name).toEqual({
      agrees: true,
    });
    const recorded = decodeOutput("classification", output);
    expect(model.manifest.output.labels?.[recorded.label], name).toBe(label);
    expect(formatWad(recorded.confidence), name).toBe(confidence);
  }
});

test("fingerprint: names library, provider, threads, optimisation level and platform", async () => {
  const { runtime } = await engine.run(model, encodeInput("text", "hello there"), LIMITS);
  expect(runtime).toEqual({
    library: "onnxruntime-node",
    version: "1.29.0",
    asked: "cpu",
    used: ["cpu"],
    intraOpThreads: 1,
    optimisation: "all",
    batch: 1,
    platform: `${process.platform}-${process.arch}`,
    cpu: expect.any(String),
  });
  const platform = `${process.platform}-${process.arch}`;
  expect(runtimeText({ ...runtime, cpu: "" })).toBe(
    `onnxruntime-node@1.29.0 cpu intra=1 opt=all batch=1 ${platform}`,
  );
});

test("labels: an advertisement is spam, a question is ham", async () => {
  expect((await classify("Click here for a free mortgage quote! Money back guaranteed!")).label).toBe(1);
  expect((await classify("I get a segfault when I run make on the new kernel, any ideas?")).label).toBe(0);
});

test("one word: is too little evidence to be sure of spam", async () => {
  for (const word of ["money", "free", "click"]) {
    expect((await classify(word)).confidence, word).toBeLessThan(9n * 10n ** 17n);
  }
});

test("emoji: answered like any text without a known word", async () => {
  expect(await classify("👍🎉😀")).toEqual(await classify("👩‍👩‍👧"));
});

test("session: loaded once, and not again", async () => {
  const alone = createOnnxEngine({ threads: 1, log: collectedLog() });
  try {
    const first = await alone.run(model, encodeInput("text", "one"), LIMITS);
    const second = await alone.run(model, encodeInput("text", "two"), LIMITS);
    expect(first.loadMs).toBeGreaterThan(0);
    expect(second.loadMs).toBe(0);
  } finally {
    await alone.close();
  }
});

test("concurrency: 200 jobs at once get the answers that they get one by one", async () => {
  const texts = Array.from(
    { length: 200 },
    (_, at) => `offer ${at}: ${"free ".repeat(at % 7)}linux kernel ${at % 5}`,
  );
  const together = await Promise.all(texts.map(classify));
  for (const [at, text] of texts.entries()) expect(together[at]).toEqual(await classify(text));
});

const text = (content: string): Hex => encodeInput("text", content);
const rawString = (bytes: Hex): Hex => encodeAbiParameters([{ type: "bytes" }], [bytes]);

test.each<[string, Hex, RegExp]>([
  ["an empty text", text(""), /empty/],
  ["only white space", text(" \n\t "), /empty/],
  ["a NUL that would hide what follows", text("hello\0free money"), /NUL character at index 5/],
  ["bytes that are no UTF-8", rawString("0xfffe80"), /UTF-8/],
  ["a cut UTF-8 sequence", rawString("0xf09f91"), /UTF-8/],
  ["another ABI type", encodeAbiParameters([{ type: "uint256" }], [7n]), /./],
  ["no bytes at all", "0x", /./],
  ["half an encoding", text("hello").slice(0, 100) as Hex, /./],
  ["bytes after the encoding", `${text("hello")}00`, /./],
  ["an odd number of digits", "0x123", /hex/],
  ["one byte more than the manifest allows", text("a".repeat(8_129)), /8224 bytes|8256 bytes.*8192/],
])("bad input: %s", async (_, input, message) => {
  await expect(engine.run(model, input, LIMITS)).rejects.toMatchObject({
    name: "CoprocessorError",
    code: "inference/bad-input",
    retry: "never",
    message: expect.stringMatching(message),
  });
});

test("the largest input: the manifest's limit itself is taken", async () => {
  const input = text("a b ".repeat(2_032));
  expect((input.length - 2) / 2).toBe(8_192);
  await expect(engine.run(model, input, LIMITS)).resolves.toMatchObject({ loadMs: expect.any(Number) });
});
