import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { encodeInput, parseWad } from "@sibyl/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createOnnxEngine, type OnnxEngineOptions } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { waitUntil } from "../waitUntil.ts";
import { fixture, modelOf, numbersToNumbers, tensorToTensor } from "./fixtureModel.ts";
import { inferencePids, isAlive } from "./inferencePids.ts";
import { SPAM_TEXT, spamText } from "./spamText.ts";

const LIMITS = { timeoutMs: 15_000 };
const ONE = encodeInput("vector", [parseWad("1")]);
const endless = fixture("endless", numbersToNumbers);
const affine = fixture("affine", numbersToNumbers);

let directory: string;
const engines: InferenceEngine[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sibyl-test-"));
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
  rmSync(directory, { recursive: true, force: true });
});

function start(options: Partial<OnnxEngineOptions> = {}): InferenceEngine {
  const engine = createOnnxEngine({ threads: 1, log: collectedLog(), ...options });
  engines.push(engine);
  return engine;
}

test("a graph without end: is ended at its timeout, and the next job runs", async () => {
  const engine = start();
  await engine.run(affine, ONE, LIMITS);
  const [before] = inferencePids();
  await expect(engine.run(endless, ONE, { timeoutMs: 500 })).rejects.toMatchObject({
    code: "inference/timeout",
    retry: "never",
    meta: { timeoutMs: 500 },
  });
  expect(isAlive(before as number)).toBe(false);
  await expect(engine.run(affine, ONE, LIMITS)).resolves.toBeDefined();
});

test("a crash: fails the job that it hit and no other, and the process is replaced", async () => {
  const engine = start({ threads: 2 });
  const hit = engine.run(endless, ONE, { timeoutMs: 60_000 });
  const settled = expect(hit).rejects.toMatchObject({
    code: "inference/model-failed",
    retry: "backoff",
    meta: { signal: "SIGKILL" },
  });
  const twenty = () => Promise.all(Array.from({ length: 20 }, () => engine.run(affine, ONE, LIMITS)));
  expect(await twenty()).toHaveLength(20);
  // Both are up now, and of the two only the one that is stuck has work.
  let stuck: number[] = [];
  await waitUntil("one process computes", () => {
    stuck = computingPids();
    return stuck.length === 1;
  });
  const others = twenty();
  process.kill(stuck[0] as number, "SIGKILL");
  await settled;
  expect(await others).toHaveLength(20);
  await waitUntil("two processes again", () => inferencePids().length === 2);
  await expect(Promise.all([1, 2, 3, 4].map(() => engine.run(affine, ONE, LIMITS)))).resolves.toHaveLength(4);
});

test("a crash with more frames on their way: every job is answered", async () => {
  const engine = start();
  const ask = () => Promise.all(Array.from({ length: 100 }, () => engine.run(affine, ONE, LIMITS)));
  // Once they are known to be short, the process gets frames ahead.
  for (let at = 0; at < 5; at += 1) await ask();
  const [pid] = inferencePids();
  const asked = ask();
  // What was asked for is sent before any timer goes off.
  await new Promise((resolve) => setImmediate(resolve));
  process.kill(pid as number, "SIGKILL");
  const outputs = (await asked).map(({ output }) => output);
  expect(new Set(outputs)).toEqual(new Set([encodeInput("vector", [parseWad("3")])]));
  expect(outputs).toHaveLength(100);
});

test("a graph that eats memory: is ended at the limit, and the next job runs", async () => {
  const engine = start({ maxMemoryBytes: 500e6 });
  const model = fixture("fill", { ...tensorToTensor, task: { type: "tensor", output: "sum" } });
  const count = (number: bigint) => {
    const data = Buffer.from(new BigInt64Array([number]).buffer).toString("hex");
    return encodeInput("tensor", { dtype: 7, shape: [1], data: `0x${data}` });
  };
  await expect(engine.run(model, count(1_000n), LIMITS)).resolves.toBeDefined();
  await expect(engine.run(model, count(750_000_000n), LIMITS)).rejects.toMatchObject({
    code: "inference/out-of-memory",
    retry: "never",
    message: expect.stringMatching(/more than 500000000 bytes of memory/),
  });
  await expect(engine.run(model, count(1_000n), LIMITS)).resolves.toBeDefined();
});

test("in WebAssembly: loops and greed end in the same way, and the next job runs", {
  timeout: 60_000,
}, async () => {
  const engine = start({ maxMemoryBytes: 700e6, providers: { provider: "wasm", ofModel: {} } });
  await engine.run(affine, ONE, LIMITS);
  await expect(engine.run(endless, ONE, { timeoutMs: 500 })).rejects.toMatchObject({
    code: "inference/timeout",
  });
  const greedy = fixture("fill", { ...tensorToTensor, task: { type: "tensor", output: "sum" } });
  // The second is more than WebAssembly has addresses for: the runtime refuses it itself.
  for (const [count, fact] of [
    [750_000_000n, "out-of-memory"],
    [4_000_000_000n, "model-failed"],
  ] as const) {
    const data = Buffer.from(new BigInt64Array([count]).buffer).toString("hex");
    const input = encodeInput("tensor", { dtype: 7, shape: [1], data: `0x${data}` });
    await expect(engine.run(greedy, input, LIMITS)).rejects.toMatchObject({
      code: `inference/${fact}`,
      retry: "never",
    });
  }
  await expect(engine.run(affine, ONE, LIMITS)).resolves.toMatchObject({ runtime: { used: ["wasm"] } });
});

test("a file that is no graph: is refused, and the next job runs", async () => {
  const engine = start();
  const path = join(directory, "noise.onnx");
  writeFileSync(path, "this is no protobuf");
  await expect(engine.run(modelOf(path, numbersToNumbers), ONE, LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
    retry: "never",
  });
  await expect(engine.run(affine, ONE, LIMITS)).resolves.toBeDefined();
});

test("a model file changed after it was checked: is not loaded", async () => {
  const engine = start();
  const path = join(directory, "model.onnx");
  copyFileSync(join(SPAM_TEXT, "model.onnx"), path);
  const model = { ...spamText(), files: { "model.onnx": path } };
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] as number) ^ 1;
  writeFileSync(path, bytes);
  await expect(engine.run(model, encodeInput("text", "hello"), LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
    retry: "backoff",
    message: expect.stringMatching(/changed after it was checked/),
  });
});

test("a model file that the system does not let a process read: may be readable at the next try", async () => {
  const path = join(directory, "folder.onnx");
  writeFileSync(path, "a graph");
  const model = modelOf(path, numbersToNumbers);
  rmSync(path);
  mkdirSync(path);
  await expect(start().run(model, ONE, LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
    retry: "backoff",
    message: expect.stringMatching(/EISDIR/),
  });
});

test("a graph whose weights lie in another file: cannot reach one", async () => {
  const four = encodeInput("vector", [1n, 2n, 3n, 4n]);
  const path = join(directory, "external.onnx");
  copyFileSync(join(import.meta.dirname, "fixtures", "external.onnx"), path);
  writeFileSync(join(directory, "secret.bin"), new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer));
  const native = { providers: { provider: "cpu", ofModel: {} } } as const;
  const wasm = { providers: { provider: "wasm", ofModel: {} } } as const;
  for (const options of [native, { ...native, optimisation: "disabled" }, wasm] as const) {
    await expect(start(options).run(modelOf(path, numbersToNumbers), four, LIMITS)).rejects.toMatchObject({
      code: "inference/model-failed",
    });
  }
});

test("a process: has none of the operator's environment", async () => {
  process.env.SIBYL_TEST_SECRET = "do not tell";
  try {
    await start().run(affine, ONE, LIMITS);
    const [pid] = inferencePids();
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toMatch(/SECRET/);
  } finally {
    delete process.env.SIBYL_TEST_SECRET;
  }
});

test("a process: leaves the processor to the node that it works for", async () => {
  await start().run(affine, ONE, LIMITS);
  const [pid] = inferencePids();
  expect(getPriority(pid)).toBe(getPriority() + 5);
});

test("a full line: a job that finds no process in time says so", async () => {
  const engine = start();
  await engine.run(affine, ONE, LIMITS);
  const blocking = expect(engine.run(endless, ONE, { timeoutMs: 1_500 })).rejects.toMatchObject({
    code: "inference/timeout",
  });
  await expect(engine.run(affine, ONE, { timeoutMs: 100 })).rejects.toMatchObject({
    code: "inference/timeout",
    retry: "backoff",
    message: expect.stringMatching(/no inference process was free/),
  });
  await blocking;
});

test("more models than a process keeps: the longest unused is loaded again", async () => {
  const engine = start({ maxSessions: 2 });
  const log = fixture("log", numbersToNumbers);
  const load = async (model: typeof log) => (await engine.run(model, ONE, LIMITS)).loadMs > 0;
  expect([await load(affine), await load(log), await load(affine)]).toEqual([true, true, false]);
  expect(await engine.run(spamText(), encodeInput("text", "hello"), LIMITS)).toBeDefined();
  expect([await load(affine), await load(log)]).toEqual([false, true]);
});

test("close: finishes what runs, refuses what waits and what comes, and ends the processes", async () => {
  const engine = start();
  await engine.run(affine, ONE, LIMITS);
  const running = expect(engine.run(endless, ONE, { timeoutMs: 700 })).rejects.toMatchObject({
    code: "inference/timeout",
  });
  const waiting = expect(engine.run(affine, ONE, LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
    message: expect.stringMatching(/closed/),
  });
  await Promise.all([engine.close(), running, waiting]);
  expect(inferencePids()).toEqual([]);
  await expect(engine.run(affine, ONE, LIMITS)).rejects.toMatchObject({
    message: expect.stringMatching(/closed/),
  });
});

test("an operator killed in the middle of a job: its processes end too", async () => {
  const parent = spawn(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "endlessOperator.ts")],
    { cwd: resolve(import.meta.dirname, "../../.."), stdio: ["ignore", "pipe", "inherit"] },
  );
  await once(parent.stdout, "data");
  const pids = inferencePids(parent.pid);
  expect(pids).toHaveLength(1);
  parent.kill("SIGKILL");
  await waitUntil("the process is gone", () => !pids.some(isAlive));
});

/** The inference processes that use a processor now. */
function computingPids(): number[] {
  return inferencePids().filter((pid) => {
    const state = execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
    return state.startsWith("R");
  });
}
