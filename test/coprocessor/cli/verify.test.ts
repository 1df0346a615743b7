import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, keccak256 } from "viem";
import { afterAll, expect, test } from "vitest";
import { committedModel, exactGoldens } from "../inference/exactModel.ts";
import { receipt } from "../store/fixtures.ts";

const ROOT = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "sibyl-verify-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Golden = ReturnType<typeof exactGoldens>["cases"][number];

/** Runs `sibyl verify` on a receipt for one of iris' goldens. */
async function verify(patch: { output?: Hex; outputHash?: Hex }, ...options: string[]) {
  const { modelId } = committedModel("iris");
  const { input, output } = exactGoldens("iris").cases.at(0) as Golden;
  const good = receipt("a", {
    modelId,
    manifestURI: "",
    input,
    inputHash: keccak256(input),
    output,
    outputHash: keccak256(output),
  });
  const path = join(folder, "receipt.json");
  writeFileSync(path, JSON.stringify({ ...good, ...patch }));
  const child = spawn(
    process.execPath,
    [join(ROOT, "coprocessor/bin/sibyl.js"), "verify", path, "--models", join(ROOT, "models"), ...options],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 },
  );
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout, stderr };
}

test("same: an honest receipt holds on the native runtime and in WebAssembly", {
  timeout: 60_000,
}, async () => {
  for (const provider of ["cpu", "wasm"]) {
    const { code, stdout, stderr } = await verify({}, "--provider", provider);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      requestId: receipt("a").requestId,
      modelId: committedModel("iris").modelId,
      verdict: "same",
    });
    expect(code).toBe(0);
  }
});

test("disagrees: another answer is named with where it differs, and exit status 2", {
  timeout: 60_000,
}, async () => {
  const [first, ...others] = exactGoldens("iris").cases;
  const output = others.find((golden) => golden.output !== first?.output)?.output as Hex;
  const { code, stdout } = await verify({ output, outputHash: keccak256(output) });
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: "disagrees",
    reason: expect.stringContaining("the bytes differ"),
  });
  expect(code).toBe(2);
});

test("refused: a receipt that was tampered with never gets to a model", { timeout: 60_000 }, async () => {
  const { code, stderr } = await verify({ output: "0x00" });
  expect(stderr).toMatch(/^receipt\/invalid: .*outputHash/);
  expect(code).toBe(1);
});
