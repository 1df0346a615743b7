import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ModelManifest, parseManifest } from "@sibyl/sdk";
import { describe, expect, it } from "vitest";
import { lintGraph } from "../../../../coprocessor/core/onnx/lintGraph.ts";
import { fieldsOf, MalformedProtobufError } from "../../../../coprocessor/core/onnx/protobuf.ts";
import { readGraph } from "../../../../coprocessor/core/onnx/readGraph.ts";
import { fixture, numbersToNumbers, tensorToTensor } from "../../inference/fixtureModel.ts";

type Patch = Partial<Pick<ModelManifest, "profile" | "runner" | "batch">>;
const NEAR = { kind: "tolerance", abs: "0.001", rel: "0" } as const;

function lintFixture(name: string, patch: Patch = {}, parts = tensorToTensor) {
  const { manifest, files } = fixture(name, { ...parts, ...patch });
  const [path] = Object.values(files) as [string];
  return lintGraph(readGraph(readFileSync(path)), manifest);
}

function lintCommitted(name: string, patch: object = {}) {
  const folder = resolve(import.meta.dirname, "../../../../models", name);
  const manifest = parseManifest({
    ...JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")),
    ...patch,
  });
  return lintGraph(readGraph(readFileSync(join(folder, manifest.entry))), manifest);
}
const errors = ({ findings }: ReturnType<typeof lintGraph>) =>
  findings.filter(({ severity }) => severity === "error").map(({ rule }) => rule);

describe("lintGraph", () => {
  it("sound: the committed models have the profiles that they say", () => {
    for (const name of ["digits", "iris", "spam-text", "moby-lm"]) {
      expect(lintCommitted(name).findings, name).toEqual([]);
    }
    for (const name of ["digits", "iris"]) expect(lintCommitted(name).possible.exactNative).toBe(true);
  });

  it("real numbers: are exact in WebAssembly and nowhere else", () => {
    const { possible, findings } = lintCommitted("moby-lm", { runner: "native" });
    expect(possible).toEqual({
      exactNative: expect.stringMatching(/^\S+ .* computes with float32, and \d+ more$/),
      exactWasm: true,
      tolerance: "text has no distance",
    });
    expect(findings).toEqual([
      {
        severity: "error",
        rule: "profile",
        message: expect.stringMatching(/exact, runner native, cannot hold/),
      },
    ]);
    expect(errors(lintFixture("affine", { runner: "wasm" }, numbersToNumbers))).toEqual([]);
    expect(errors(lintFixture("affine", {}, numbersToNumbers))).toEqual(["profile"]);
    expect(errors(lintFixture("affine", { profile: NEAR }, numbersToNumbers))).toEqual([]);
  });

  it("company: an exact model of real numbers runs alone", () => {
    expect(errors(lintFixture("logits", { runner: "wasm", batch: { max: 8 } }, numbersToNumbers))).toEqual(
      [],
    );
    expect(errors(lintFixture("affine", { runner: "wasm", batch: { max: 8 } }, numbersToNumbers))).toEqual([
      "batch",
    ]);
    expect(errors(lintFixture("twice", { batch: { max: 8 } }))).toEqual([]);
    expect(errors(lintFixture("fill", { profile: NEAR, batch: { max: 8 } }))).toContain("batch");
  });

  it("saturation: u8 by s8 weights beyond seven bits are refused, within them they are exact", () => {
    expect(lintFixture("full-range").findings).toContainEqual({
      severity: "error",
      rule: "u8-s8-range",
      message: expect.stringMatching(/MatMulInteger y multiplies u8 by s8 weights of -128 to 127/),
    });
    expect(lintFixture("full-range").possible.exactNative).toMatch(/saturate/);
    expect(lintFixture("seven-bit")).toEqual({
      possible: { exactNative: true, exactWasm: true, tolerance: true },
      findings: [],
    });
  });

  it("QDQ: integers that become real numbers again do not pass for integers", () => {
    const { possible, findings } = lintFixture("qdq");
    expect(possible.exactNative).toMatch(/DequantizeLinear real .*a QDQ graph is no integer graph.*1 more/);
    expect(findings.map(({ rule }) => rule)).toEqual(["profile"]);
    expect(errors(lintFixture("qdq", { profile: NEAR }))).toEqual([]);
  });

  it("lots: a graph that draws them can have no profile at all", () => {
    const { possible, findings } = lintFixture("lots", { profile: NEAR });
    expect(Object.values(possible)).toEqual(Array(3).fill("RandomUniformLike lot draws random numbers"));
    expect(findings.map(({ rule }) => rule)).toEqual(["random", "profile"]);
  });

  it("external data: is refused, and named", () => {
    expect(lintFixture("external", { profile: NEAR }, numbersToNumbers).findings).toEqual([
      {
        severity: "error",
        rule: "external-data",
        message: 'the data of w lies in "secret.bin", which is none of the manifest\'s files',
      },
    ]);
  });

  it("bodies: what a loop computes counts too", () => {
    expect(lintFixture("endless", {}, numbersToNumbers).possible.exactNative).toMatch(/Sin w computes with/);
  });

  it("modesty: a graph of integers that asks for a tolerance is told so", () => {
    expect(lintFixture("seven-bit", { profile: NEAR }).findings).toEqual([
      { severity: "warning", rule: "profile", message: expect.stringMatching(/could be exact/) },
    ]);
  });
});

describe("readGraph", () => {
  it("read: ports, types, constants and their range", () => {
    const graph = readGraph(
      readFileSync(fixture("full-range", tensorToTensor).files["full-range.onnx"] as string),
    );
    expect(graph).toMatchObject({
      inputs: [{ name: "x", type: "uint8", shape: ["N", 2] }],
      outputs: [{ name: "y", type: "int32", shape: ["N", 2] }],
      initializers: [
        { name: "w", type: "int8", dims: [2, 2], int8Range: [-128, 127], externalLocation: null },
      ],
      nodes: [{ op: "MatMulInteger", domain: "", inputs: ["x", "w"], outputs: ["y"] }],
    });
  });

  it("malformed: noise, cuts and flipped bytes are named as such and never hang", () => {
    const whole = readFileSync(fixture("endless", numbersToNumbers).files["endless.onnx"] as string);
    let refused = 0;
    const attempt = (bytes: Uint8Array) => {
      try {
        readGraph(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedProtobufError);
        refused += 1;
      }
    };
    for (let length = 0; length < whole.length; length += 1) attempt(whole.subarray(0, length));
    for (let at = 0; at < whole.length; at += 1) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = Uint8Array.from(whole);
        changed[at] = (changed[at] as number) ^ flip;
        attempt(changed);
      }
    }
    expect(refused).toBeGreaterThan(whole.length / 2);
    expect(() => readGraph(Buffer.from("this is no protobuf"))).toThrow(MalformedProtobufError);
    expect(() => readGraph(new Uint8Array())).toThrow("the file has no graph");
  });

  it("malformed: numbers that never end and lengths beyond the file", () => {
    expect(() => [...fieldsOf(Uint8Array.of(8, ...Array(11).fill(0xff)))]).toThrow(/longer than 64 bits/);
    expect(() => [...fieldsOf(Uint8Array.of(10, 200, 1, 0))]).toThrow(/200 bytes wanted/);
    expect(() => [
      ...fieldsOf(Uint8Array.of(10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1)),
    ]).toThrow(MalformedProtobufError);
  });
});
