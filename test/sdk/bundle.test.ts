import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

async function bundle(contents: string): Promise<{ text: string; inputs: string[] }> {
  const result = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    platform: "browser",
    format: "iife",
    globalName: "bundle",
    target: "es2022",
    minify: true,
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return { text: result.outputFiles[0]?.text ?? "", inputs: Object.keys(result.metafile.inputs) };
}

describe("browser bundle", () => {
  test("platform: the whole face bundles and runs without anything of Node's", async () => {
    // esbuild fails on node: imports for this platform; the empty context fails on Node's globals.
    const { text } = await bundle('export * from "@sibyl/sdk";');
    expect(text).not.toMatch(/require\("node:|from"node:/);
    const globals = { TextEncoder, TextDecoder, URL, AbortController, setTimeout, clearTimeout };
    const read = (expression: string) => runInNewContext(`${text};${expression}`, { ...globals });
    expect(read("typeof process + typeof Buffer + typeof bundle.waitForResult")).toBe(
      "undefinedundefinedfunction",
    );
    expect(read('bundle.decodeText(bundle.encodeText("é"))')).toBe("é");
    expect(read("bundle.modelId({})")).toMatch(/^0x[0-9a-f]{64}$/);
  });

  test("tree shaking: one function brings neither zod nor the ABIs", async () => {
    const { text, inputs } = await bundle('export { toWad } from "@sibyl/sdk";');
    expect(
      inputs.some((path) => path.includes("/sdk/fixedPoint.ts") || path.endsWith("sdk/fixedPoint.ts")),
    ).toBe(true);
    expect(text).not.toMatch(/sibyl\/model@1|RequestOpened/);
    const whole = await bundle('export * from "@sibyl/sdk";');
    expect(whole.text).toMatch(/sibyl\/model@1/);
    expect(whole.text).toMatch(/RequestOpened/);
    expect(text.length).toBeLessThan(whole.text.length / 10);
  });
});
