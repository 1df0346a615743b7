import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const SIBYL = join(ROOT, "coprocessor", "bin", "sibyl.js");

const run = (args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", env: { ...process.env, ...env } });

test("real model: a forge test gets its answers from ONNX Runtime through ffi", () => {
  const { status, stdout, stderr } = run(
    [join(ROOT, "scripts", "foundry", "forge.mjs"), "test", "--ffi", "--match-contract", "RealModel"],
    {
      FOUNDRY_TEST: "test/recipes",
      FOUNDRY_OUT: ".cache/recipes/out",
      FOUNDRY_CACHE_PATH: ".cache/recipes/cache",
    },
  );
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/1 tests? passed, 0 failed, 0 skipped/);
});

test("sibyl run: prints a golden's output, and nothing else", () => {
  const { cases } = JSON.parse(readFileSync(join(ROOT, "models", "iris", "goldens.json"), "utf8"));
  const { status, stdout } = run([SIBYL, "run", "models/iris", cases[0].input]);
  expect(status).toBe(0);
  expect(stdout).toBe(cases[0].output);
});

test("sibyl run: an input of another codec is refused by name", () => {
  const { status, stdout, stderr } = run([SIBYL, "run", "models/iris", "0x01"]);
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("inference/bad-input");
});

test("npm run docs:api: writes the reference of every public contract and action", () => {
  const { status, stdout, stderr } = run([join(ROOT, "scripts", "tasks", "run.mjs"), "docs:api"]);
  expect(status, stdout + stderr).toBe(0);
  const docs = join(ROOT, ".cache", "docs");
  expect(readFileSync(join(docs, "contracts", "src", "SUMMARY.md"), "utf8")).toContain("InferenceConsumer");
  expect(readFileSync(join(docs, "sdk", "functions", "waitForAnswer.html"), "utf8")).toContain("deadline");
});
