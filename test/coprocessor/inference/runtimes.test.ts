import { encodeInput, parseWad } from "@sibyl/sdk";
import { afterEach, expect, test } from "vitest";
import { runtimeText } from "../../../coprocessor/core/runtime.ts";
import { createOnnxEngine, type OnnxEngineOptions } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { committedModel, exactGoldens } from "./exactModel.ts";
import { fixture, numbersToNumbers } from "./fixtureModel.ts";
import { spamText } from "./spamText.ts";

const LIMITS = { timeoutMs: 15_000 };
const ONE = encodeInput("vector", [parseWad("1")]);
const HELLO = encodeInput("text", "hello");
/** None of these is in this platform's package. */
const ABSENT = process.platform === "darwin" ? "dml" : "coreml";
const affine = fixture("affine", numbersToNumbers);
const engines: InferenceEngine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

function start(options: Partial<OnnxEngineOptions> = {}): InferenceEngine {
  const engine = createOnnxEngine({ threads: 1, log: collectedLog(), ...options });
  engines.push(engine);
  return engine;
}

test("canonical runner: is used because the manifest says so, whatever the machine's provider is", async () => {
  const canonical = fixture("affine", { ...numbersToNumbers, runner: "wasm" });
  const engine = start({
    providers: { provider: ABSENT, ofModel: {} },
    intraOpThreads: 2,
    optimisation: "basic",
  });
  const { runtime, output } = await engine.run(canonical, ONE, LIMITS);
  expect(runtime).toMatchObject({ library: "onnxruntime-web", asked: "wasm", used: ["wasm"] });
  // One thread and one optimisation level for everybody, whatever the operator chose for native models.
  expect(runtime).toMatchObject({ intraOpThreads: 1, optimisation: "all" });
  expect(output).toBe(encodeInput("vector", [parseWad("3")]));
});

test("canonical runner: an operator's other wish for the model is refused", async () => {
  const canonical = fixture("affine", { ...numbersToNumbers, runner: "wasm" });
  const engine = start({ providers: { provider: "cpu", ofModel: { [canonical.modelId]: "cpu" } } });
  await expect(engine.run(canonical, ONE, LIMITS)).rejects.toMatchObject({
    code: "inference/provider-failed",
    retry: "never",
    message: "affine-onnx is configured for cpu, its manifest says wasm",
  });
});

test("an accelerator that is not there: is an error that names it, never another provider's answer", async () => {
  const engine = start({ providers: { provider: "cpu", ofModel: { "spam-text": ABSENT } } });
  await expect(engine.run(spamText(), HELLO, LIMITS)).rejects.toMatchObject({
    code: "inference/provider-failed",
    retry: "never",
    message: expect.stringContaining(`${ABSENT} cannot run it`),
  });
  await expect(engine.run(affine, ONE, LIMITS)).resolves.toMatchObject({ runtime: { used: ["cpu"] } });
});

test("an exact model: stays off the machine's accelerator until its operator names it", async () => {
  const [golden] = exactGoldens("iris").cases;
  const iris = committedModel("iris");
  const providers = { provider: ABSENT, ofModel: {} } as const;
  const { runtime, output } = await start({ providers }).run(iris, golden?.input ?? "0x", LIMITS);
  expect(runtime).toMatchObject({ asked: "cpu", used: ["cpu"] });
  expect(output).toBe(golden?.output);
  const named = { provider: "cpu", ofModel: { iris: ABSENT } } as const;
  await expect(start({ providers: named }).run(iris, golden?.input ?? "0x", LIMITS)).rejects.toMatchObject({
    code: "inference/provider-failed",
  });
});

test("fingerprint: in one line says what was used beside what was asked for", () => {
  const fingerprint = {
    library: "onnxruntime-node",
    version: "1.29.0",
    asked: "cuda",
    used: ["cuda", "cpu"],
    intraOpThreads: 2,
    optimisation: "extended",
    batch: 8,
    platform: "linux-x64",
    cpu: "avx2 fma",
  } as const;
  expect(runtimeText({ ...fingerprint, used: [...fingerprint.used] })).toBe(
    "onnxruntime-node@1.29.0 cuda+cpu for cuda intra=2 opt=extended batch=8 linux-x64 (avx2 fma)",
  );
});

test("memory: whole models are released for others, the longest unused first", async () => {
  const bytes = spamText().manifest.files[0]?.bytes ?? 0;
  const engine = start({ maxSessionBytes: bytes });
  const load = async (model: typeof affine, input = ONE) =>
    (await engine.run(model, input, LIMITS)).loadMs > 0;
  expect([await load(affine), await load(affine)]).toEqual([true, false]);
  expect([await load(spamText(), HELLO), await load(spamText(), HELLO)]).toEqual([true, false]);
  expect(await load(affine)).toBe(true);
});

test("memory: a model that alone is too large is refused before it is read, and the next job runs", async () => {
  const bytes = spamText().manifest.files[0]?.bytes ?? 0;
  const engine = start({ maxSessionBytes: bytes - 1 });
  await expect(engine.run(spamText(), HELLO, LIMITS)).rejects.toMatchObject({
    code: "inference/out-of-memory",
    retry: "never",
    message: expect.stringContaining(`has ${bytes} bytes, the sessions of a process may take ${bytes - 1}`),
  });
  await expect(engine.run(affine, ONE, LIMITS)).resolves.toBeDefined();
});

test("warm: a model that was loaded before its first job need not be loaded by it", async () => {
  const engine = start();
  await engine.run(affine, ONE, LIMITS);
  await engine.warm(spamText(), LIMITS);
  expect((await engine.run(spamText(), HELLO, LIMITS)).loadMs).toBe(0);
  await expect(
    engine.warm(fixture("affine", { ...numbersToNumbers, runner: "wasm" }), LIMITS),
  ).resolves.toBeUndefined();
});
