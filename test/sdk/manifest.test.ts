import { readdirSync, readFileSync } from "node:fs";
import {
  canonicalJson,
  canonicalManifest,
  InvalidManifestError,
  MANIFEST_LIMITS,
  modelId,
  parseManifest,
} from "@sibyl/sdk";
import fc from "fast-check";
import { type Hex, keccak256, stringToBytes } from "viem";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

const file = { path: "model.onnx", sha256: "ab".repeat(32), bytes: 1_000 };
const manifest = {
  schema: "sibyl/model@1",
  name: "spam",
  version: "1.0.0",
  description: "Tells spam from ham.",
  license: "MIT",
  files: [file],
  entry: "model.onnx",
  input: { codec: "text", maxBytes: 1_024 },
  output: { codec: "classification", labels: ["ham", "spam"] },
  task: { type: "text-classification" },
  profile: { kind: "tolerance", abs: "0.00001", rel: "0.0001" },
};
const paths = (json: unknown): string[] => {
  try {
    parseManifest(JSON.stringify(json));
  } catch (error) {
    return (error as InvalidManifestError).issues.map(({ path }) => path);
  }
  return [];
};

describe("manifest", () => {
  test.each(readVectors<{ name: string; json: string; canonical: string; modelId: Hex }>("manifest"))(
    "vector: $name",
    ({ json, canonical, modelId: id }) => {
      expect(canonicalManifest(JSON.parse(json))).toBe(canonical);
      expect(modelId(JSON.parse(json))).toBe(id);
      expect(keccak256(stringToBytes(canonical))).toBe(id);
      expect(canonicalManifest(JSON.parse(canonical))).toBe(canonical);
    },
  );

  test("rfc 8785: the standard's own example", () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    );
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("images: jpeg is for models whose answers may differ a little", () => {
    const image = (formats: string[]) => ({
      formats,
      maxPixels: 1_000,
      channels: "grey",
      resize: { mode: "stretch", width: 8, height: 8 },
      layout: "nhw",
    });
    const task = (formats: string[]) => ({ type: "image-classification", image: image(formats) });
    const exact = { profile: { kind: "exact" } };
    expect(paths({ ...manifest, task: task(["png", "jpeg"]) })).toEqual([]);
    expect(paths({ ...manifest, ...exact, task: task(["png", "webp"]) })).toEqual([]);
    expect(paths({ ...manifest, ...exact, task: task(["png", "jpeg"]) })).toEqual(["task.image.formats"]);
    expect(paths({ ...manifest, task: task(["gif"]) })).toEqual(["task.image.formats[0]"]);
  });

  test("sample: parses from text, bytes and JSON, and keeps unknown sections in the id", () => {
    const text = JSON.stringify(manifest, null, 4);
    expect(parseManifest(text)).toEqual(manifest);
    expect(parseManifest(new TextEncoder().encode(text))).toEqual(manifest);
    expect(modelId(parseManifest(text))).toBe(modelId(manifest));
    const extended = { ...manifest, commitments: { weights: "0x01" }, task: { ...manifest.task, note: 1 } };
    expect(parseManifest(JSON.stringify(extended))).toEqual(extended);
    expect(modelId(parseManifest(JSON.stringify(extended)))).toBe(modelId(extended));
    expect(modelId(extended)).not.toBe(modelId(manifest));
  });

  test("models: every manifest in the repository parses", () => {
    const folder = new URL("../../models/", import.meta.url);
    const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(names.length).toBeGreaterThan(0);
    for (const { name } of names) {
      expect(parseManifest(readFileSync(new URL(`${name}/manifest.json`, folder))).name).toBe(name);
    }
  });

  test("id: a section named __proto__ is kept like any other", () => {
    const text = JSON.stringify(manifest).replace("{", '{"__proto__":{"polluted":true},');
    expect(modelId(parseManifest(text))).toBe(modelId(JSON.parse(text)));
    expect(modelId(parseManifest(text))).not.toBe(modelId(manifest));
  });

  test("id: white space and key order do not matter, every value does", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(Object.entries(manifest), { minLength: 11 }),
        fc.nat(8),
        (entries, indent) => {
          expect(modelId(JSON.parse(JSON.stringify(Object.fromEntries(entries), null, indent)))).toBe(
            modelId(manifest),
          );
        },
      ),
    );
    const changed = { ...manifest, files: [{ ...file, sha256: `${"ab".repeat(31)}ac` }] };
    expect(modelId(changed)).not.toBe(modelId(manifest));
  });

  test("invalid: the error names the path and the fact", () => {
    expect(paths({ ...manifest, schema: "sibyl/model@2" })).toEqual(["schema"]);
    expect(paths({ ...manifest, name: "Spam!" })).toEqual(["name"]);
    expect(paths({ ...manifest, files: [] })).toContain("files");
    expect(paths({ ...manifest, files: [{ ...file, bytes: 0 }] })).toEqual(["files[0].bytes"]);
    expect(paths({ ...manifest, files: [{ ...file, bytes: 1.5 }] })).toEqual(["files[0].bytes"]);
    expect(paths({ ...manifest, files: [{ ...file, bytes: MANIFEST_LIMITS.fileBytes + 1 }] })).toEqual([
      "files[0].bytes",
    ]);
    expect(paths({ ...manifest, files: [{ ...file, sha256: `0x${"ab".repeat(32)}` }] })).toEqual([
      "files[0].sha256",
    ]);
    expect(paths({ ...manifest, files: [{ ...file, sha: 1 }] })).toEqual(["files[0]"]);
    expect(paths({ ...manifest, input: { codec: "poem", maxBytes: 1 } })).toEqual(["input.codec"]);
    expect(paths({ ...manifest, input: { codec: "text", maxBytes: 2 ** 30 } })).toEqual(["input.maxBytes"]);
    expect(paths({ ...manifest, output: { codec: "classification", labels: ["a", "a"] } })).toEqual([
      "output.labels",
    ]);
    expect(paths({ ...manifest, profile: { kind: "tolerance", abs: 0.1, rel: "0" } })).toEqual([
      "profile.abs",
    ]);
    expect(paths({ ...manifest, profile: { kind: "tolerance", abs: "-1", rel: "0" } })).toEqual([
      "profile.abs",
    ]);
    expect(
      paths({ ...manifest, profile: { kind: "tolerance", abs: "0", rel: "1.000000000000000001" } }),
    ).toEqual(["profile.rel"]);
    expect(
      paths({ ...manifest, profile: { kind: "tolerance", abs: "2000000000000000000", rel: "1" } }),
    ).toEqual(["profile.abs"]);
    expect(paths({ ...manifest, profile: { kind: "exact", abs: "0" } })).toEqual(["profile"]);
    expect(paths({ ...manifest, profile: { kind: "close" } })).toEqual(["profile.kind"]);
    expect(paths({ ...manifest, output: { codec: "text" } })).toEqual(["profile.kind"]);
    expect(paths({ ...manifest, entry: "other.onnx" })).toEqual(["entry"]);
    const { license: _, ...unlicensed } = manifest;
    expect(paths(unlicensed)).toEqual(["license"]);
    expect(() => parseManifest(JSON.stringify(unlicensed))).toThrow(/license: /);
  });

  test.each([
    "../model.onnx",
    "/model.onnx",
    "a//b",
    "a/./b",
    "a/..",
    "a\\b",
    "C:/x",
    "",
    "a/",
    ".hidden",
    "a\u0000b",
    "é",
  ])("path: %j is refused", (path) => {
    expect(paths({ ...manifest, files: [{ ...file, path }], entry: path })).toContain("files[0].path");
  });

  test("path: a file cannot be named twice, in another case, or be another's folder", () => {
    const named = (path: string) => ({ ...file, path });
    expect(paths({ ...manifest, files: [file, file] })).toEqual(["files[1].path"]);
    expect(paths({ ...manifest, files: [file, named("MODEL.onnx")] })).toEqual(["files[1].path"]);
    expect(paths({ ...manifest, files: [file, named("model.onnx/data")] })).toEqual(["files[1].path"]);
    expect(paths({ ...manifest, files: [file, named("data/weights.bin")] })).toEqual([]);
  });

  test("source: no JSON, no UTF-8, too large and too deep are named errors", () => {
    expect(() => parseManifest("{")).toThrow(InvalidManifestError);
    expect(() => parseManifest(Uint8Array.of(0xff))).toThrow(/is no JSON/);
    expect(() => parseManifest("null")).toThrow(InvalidManifestError);
    expect(() => parseManifest(" ".repeat(MANIFEST_LIMITS.manifestBytes + 1))).toThrow(
      /bytes, 262144 allowed/,
    );
    const deep = JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`);
    expect(() => parseManifest(JSON.stringify({ ...manifest, deep }))).toThrow(/deeper than 32/);
    expect(() => modelId({ a: "\ud800" })).toThrow(/lone surrogate/);
    for (const value of [undefined, 1n, Number.NaN, () => 0, new Date(0), { a: undefined }, Symbol("a")]) {
      expect(() => modelId(value), String(value)).toThrow(InvalidManifestError);
    }
  });
});
