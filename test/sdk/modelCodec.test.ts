import {
  type Classification,
  decodeModelOutput,
  encodeInput,
  encodeModelInput,
  encodeOutput,
  type ModelManifest,
  OutOfRangeError,
  ShapeMismatchError,
  WAD,
} from "@sibyl/sdk";
import { describe, expect, expectTypeOf, test } from "vitest";

const spam = {
  input: { codec: "text", maxBytes: 96 },
  output: { codec: "classification", labels: ["ham", "spam"] },
} as const;

describe("model codec", () => {
  test("types: follow from a literal manifest, and are a union for one read at run time", () => {
    expectTypeOf(encodeModelInput<typeof spam>)
      .parameter(1)
      .toEqualTypeOf<string>();
    const output = decodeModelOutput(spam, encodeOutput("classification", { label: 1, confidence: WAD }));
    expectTypeOf(output.value).toEqualTypeOf<Classification>();
    expect(output).toEqual({
      codec: "classification",
      value: { label: 1, confidence: WAD },
      labelName: "spam",
    });

    const unknown = decodeModelOutput(
      spam as unknown as ModelManifest,
      encodeOutput("classification", output.value),
    );
    if (unknown.codec === "scalar") expectTypeOf(unknown.value).toEqualTypeOf<bigint>();
    expect(unknown).toEqual(output);
  });

  test("input: longer than the model takes is refused before it is sent", () => {
    expect(encodeModelInput(spam, "x".repeat(32))).toBe(encodeInput("text", "x".repeat(32)));
    expect(() => encodeModelInput(spam, "x".repeat(33))).toThrow(OutOfRangeError);
    expect(() => encodeModelInput(spam, "x".repeat(33))).toThrow(/128 bytes given, 96 bytes allowed/);
  });

  test("output: a label that the manifest does not name is refused", () => {
    const output = encodeOutput("classification", { label: 2, confidence: WAD });
    expect(() => decodeModelOutput(spam, output)).toThrow(ShapeMismatchError);
    const unlabelled = { output: { codec: "classification" } } as const;
    expect(decodeModelOutput(unlabelled, output)).toEqual({
      codec: "classification",
      value: { label: 2, confidence: WAD },
    });
    expect(decodeModelOutput({ output: { codec: "vector" } }, encodeOutput("vector", [1n])).value).toEqual([
      1n,
    ]);
  });
});
