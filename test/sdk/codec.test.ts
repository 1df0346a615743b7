import {
  type Classification,
  DTYPES,
  decodeInput,
  decodeOutput,
  decodeTensor,
  encodeInput,
  encodeOutput,
  INPUT_CODECS,
  type InputCodec,
  InvalidTextError,
  OUTPUT_CODECS,
  OutOfRangeError,
  type OutputCodec,
  type OutputValues,
  type Scores,
  ShapeMismatchError,
  SibylError,
  type Tensor,
  tensorValues,
  UnknownCodecError,
  WAD,
  WrongDtypeError,
} from "@sibyl/sdk";
import fc from "fast-check";
import { bytesToHex, encodeAbiParameters, type Hex, hexToBytes } from "viem";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

const confidence = fc.bigInt({ min: 0n, max: WAD });
const int256 = fc.bigInt({ min: -(1n << 255n), max: (1n << 255n) - 1n });
const bytes = (constraints?: fc.IntArrayConstraints) =>
  fc.uint8Array(constraints).map((array) => bytesToHex(array));

const VALUES: { [Codec in OutputCodec]: fc.Arbitrary<OutputValues[Codec]> } = {
  classification: fc.record({ label: fc.integer({ min: 0, max: 2 ** 32 - 1 }), confidence }),
  scores: fc
    .array(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), { minLength: 1, maxLength: 12 })
    .chain((scores) =>
      fc.record({ label: fc.nat(scores.length - 1), confidence, scores: fc.constant(scores) }),
    ),
  scalar: int256,
  vector: fc.array(int256, { maxLength: 20 }),
  text: fc.string({ unit: "binary", maxLength: 100 }),
  tensor: fc
    .tuple(fc.constantFrom(2, 3, 4, 5, 6, 7, 12, 13), fc.array(fc.nat(4), { maxLength: 3 }))
    .chain(([dtype, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1) * DTYPES[dtype as 2].bytes;
      return bytes({ minLength: length, maxLength: length }).map((data): Tensor => ({ dtype, shape, data }));
    }),
};

describe.each(OUTPUT_CODECS)("output codec %s", (codec) => {
  test("round trip: decoding an encoding gives the value", () => {
    fc.assert(
      fc.property(VALUES[codec], (value) => {
        expect(decodeOutput(codec, encodeOutput(codec, value as never))).toEqual(value);
      }),
    );
  });

  test("canonical: any bytes that decode are their value's own encoding", () => {
    // Mutated encodings come nearer to the decoders' edges than random bytes do.
    const mutated = fc
      .tuple(
        VALUES[codec],
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 2 }),
        bytes({ maxLength: 33 }),
      )
      .map(([value, flips, tail]) => {
        const encoded = hexToBytes(encodeOutput(codec, value as never));
        for (const [at, mask] of flips) {
          const index = at % encoded.length;
          encoded[index] = (encoded[index] as number) ^ mask;
        }
        return `${bytesToHex(encoded)}${tail.slice(2)}` as Hex;
      });
    let refused = 0;
    fc.assert(
      fc.property(mutated, (output) => {
        let value: unknown;
        try {
          value = decodeOutput(codec, output);
        } catch (error) {
          expect(error).toBeInstanceOf(SibylError);
          refused++;
          return;
        }
        expect(encodeOutput(codec, value as never)).toBe(output);
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(0);
  });

  test("upper-case hex: reads the same", () => {
    const output = encodeOutput(
      codec,
      fc.sample(VALUES[codec] as fc.Arbitrary<unknown>, { numRuns: 1, seed: 7 })[0] as never,
    );
    const upper = `0x${output.slice(2).toUpperCase()}` as Hex;
    expect(encodeOutput(codec, decodeOutput(codec, upper) as never)).toBe(output);
  });
});

describe("vectors", () => {
  test.each(readVectors<{ codec: string; why: string; encoded: Hex; error: string }>("codecInvalid"))(
    "refused: $codec, $why, as $error",
    ({ codec, encoded, error }) => {
      const decoders = [
        ...(OUTPUT_CODECS.includes(codec as OutputCodec)
          ? [() => decodeOutput(codec as OutputCodec, encoded)]
          : []),
        ...(INPUT_CODECS.includes(codec as InputCodec)
          ? [() => decodeInput(codec as InputCodec, encoded)]
          : []),
      ];
      expect(decoders.length).toBeGreaterThan(0);
      for (const decode of decoders) expect(decode).toThrow(expect.objectContaining({ name: error }));
    },
  );

  test.each(readVectors<{ label: number; confidence: string; encoded: Hex }>("codecClassification"))(
    "classification: label $label, confidence $confidence",
    ({ label, confidence: stored, encoded }) => {
      const value: Classification = { label, confidence: BigInt(stored) };
      expect(encoded).toBe(
        encodeAbiParameters([{ type: "uint32" }, { type: "uint256" }], [label, BigInt(stored)]),
      );
      expect(encodeOutput("classification", value)).toBe(encoded);
      expect(decodeOutput("classification", encoded)).toEqual(value);
    },
  );

  test.each(
    readVectors<{ label: number; confidence: string; scores: string[]; encoded: Hex }>("codecScores"),
  )("scores: label $label of $scores.length", (stored) => {
    const value: Scores = {
      label: stored.label,
      confidence: BigInt(stored.confidence),
      scores: stored.scores.map(BigInt),
    };
    expect(encodeOutput("scores", value)).toBe(stored.encoded);
    expect(decodeOutput("scores", stored.encoded)).toEqual(value);
  });

  test.each(readVectors<{ value: string; encoded: Hex }>("codecScalar"))(
    "scalar: $value",
    ({ value, encoded }) => {
      expect(encodeOutput("scalar", BigInt(value))).toBe(encoded);
      expect(decodeOutput("scalar", encoded)).toBe(BigInt(value));
    },
  );

  test.each(readVectors<{ value: string[]; encoded: Hex }>("codecVector"))(
    "vector: $value",
    ({ value, encoded }) => {
      expect(encodeOutput("vector", value.map(BigInt))).toBe(encoded);
      expect(decodeInput("vector", encoded)).toEqual(value.map(BigInt));
    },
  );

  test.each(readVectors<{ value: string; encoded: Hex }>("codecText"))(
    "text: $value",
    ({ value, encoded }) => {
      expect(encodeInput("text", value)).toBe(encoded);
      expect(encoded).toBe(encodeAbiParameters([{ type: "string" }], [value]));
      expect(decodeInput("text", encoded)).toBe(value);
    },
  );

  test.each(readVectors<{ value: Hex; encoded: Hex }>("codecBytes"))(
    "bytes: $value",
    ({ value, encoded }) => {
      expect(encodeInput("bytes", value)).toBe(encoded);
      expect(decodeInput("bytes", encoded)).toBe(value);
    },
  );

  test.each(readVectors<Tensor & { encoded: Hex }>("codecTensor"))(
    "tensor: $dtype $shape",
    ({ encoded, ...value }) => {
      expect(encodeInput("tensor", value)).toBe(encoded);
      expect(decodeOutput("tensor", encoded)).toEqual(value);
    },
  );
});

describe("encoding", () => {
  test("range: what does not fit is refused by name", () => {
    expect(() => encodeOutput("classification", { label: 2 ** 32, confidence: 0n })).toThrow(OutOfRangeError);
    expect(() => encodeOutput("classification", { label: 0.5, confidence: 0n })).toThrow(/label/);
    expect(() => encodeOutput("classification", { label: 0, confidence: WAD + 1n })).toThrow(/confidence/);
    expect(() => encodeOutput("classification", { label: 0, confidence: -1n })).toThrow(/confidence/);
    expect(() => encodeOutput("scalar", 1n << 255n)).toThrow(OutOfRangeError);
    expect(() => encodeOutput("vector", [0n, -(1n << 255n) - 1n])).toThrow(/vector\[1\]/);
    expect(() => encodeOutput("scores", { label: 0, confidence: 0n, scores: [-1n] })).toThrow(/scores\[0\]/);
    expect(() => encodeOutput("scores", { label: 2, confidence: 0n, scores: [1n, 2n] })).toThrow(
      ShapeMismatchError,
    );
    expect(() => encodeInput("text", "a\ud800b")).toThrow(InvalidTextError);
    expect(() => encodeInput("tensor", { dtype: 1, shape: [2], data: "0x00" })).toThrow(ShapeMismatchError);
    expect(() => encodeOutput("poem" as OutputCodec, "" as never)).toThrow(UnknownCodecError);
    expect(() => decodeInput("toString" as InputCodec, "0x")).toThrow(UnknownCodecError);
  });

  test("tensor: the dtype that the model wants is the only one taken", () => {
    const encoded = encodeInput("tensor", { dtype: 1, shape: [1], data: "0x0000803f" });
    expect(decodeTensor(encoded, 1).dtype).toBe(1);
    expect(() => decodeTensor(encoded, 11)).toThrow(WrongDtypeError);
    expect(() => decodeTensor(encoded, 11)).toThrow(/float32 given, float64 wanted/);
  });

  test("tensor: elements of every dtype are read little-endian", () => {
    const cases: [number, Hex, (number | bigint)[]][] = [
      [1, "0x0000803f0000c0bf", [1, -1.5]],
      [2, "0x00ff", [0, 255]],
      [3, "0x80ff", [-128, -1]],
      [4, "0x0001", [256]],
      [5, "0x00ff", [-256]],
      [6, "0xfeffffff", [-2]],
      [7, "0xfeffffffffffffff", [-2n]],
      [9, "0x0100", [1, 0]],
      [10, "0x003c00c00100ff7b0080", [1, -2, 2 ** -24, 65_504, -0]],
      [11, "0x000000000000f03f", [1]],
      [12, "0xffffffff", [4_294_967_295]],
      [13, "0xffffffffffffffff", [18_446_744_073_709_551_615n]],
      [16, "0x803fc0bf", [1, -1.5]],
    ];
    expect(cases.map(([dtype]) => dtype)).toEqual(Object.keys(DTYPES).map(Number));
    for (const [dtype, data, values] of cases) {
      expect(tensorValues({ dtype, shape: [values.length], data })).toEqual(values);
    }
  });
});
