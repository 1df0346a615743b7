import {
  agree,
  type DeterminismProfile,
  encodeOutput,
  MedianUndefinedError,
  median,
  type OutputCodec,
  parseWad,
  WAD,
} from "@sibyl/sdk";
import fc from "fast-check";
import { bytesToHex, type Hex } from "viem";
import { describe, expect, test } from "vitest";

const exact: DeterminismProfile = { kind: "exact" };
const tolerance = (abs: string, rel: string): DeterminismProfile => ({ kind: "tolerance", abs, rel });
const classification = (label: number, confidence: string) =>
  encodeOutput("classification", { label, confidence: parseWad(confidence) });
const scalar = (value: string) => encodeOutput("scalar", parseWad(value));

function float32(...values: number[]): Hex {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [index, value] of values.entries()) view.setFloat32(4 * index, value, true);
  return encodeOutput("tensor", {
    dtype: 1,
    shape: [values.length],
    data: bytesToHex(new Uint8Array(view.buffer)),
  });
}
const reason = (codec: OutputCodec, profile: DeterminismProfile, a: Hex, b: Hex): string => {
  const agreement = agree(codec, profile, a, b);
  return agreement.agrees ? "agrees" : agreement.reason;
};

describe("agree", () => {
  test("exact: only the same bytes agree", () => {
    expect(agree("classification", exact, classification(1, "0.5"), classification(1, "0.5"))).toEqual({
      agrees: true,
    });
    expect(
      reason("classification", exact, classification(1, "0.5"), classification(1, "0.500000000000000001")),
    ).toMatch(/exact and the bytes differ: first at byte 63/);
    expect(reason("vector", exact, encodeOutput("vector", []), encodeOutput("vector", [1n]))).toMatch(
      /64 and 96 bytes/,
    );
  });

  test("tolerance: the limit itself agrees, one unit more does not", () => {
    const profile = tolerance("0.0001", "0");
    expect(reason("scalar", profile, scalar("1"), scalar("1.0001"))).toBe("agrees");
    expect(reason("scalar", profile, scalar("1"), scalar("1.000100000000000001"))).toMatch(
      /scalar differs by 0.000100000000000001 \(1 and 1.000100000000000001\), 0.0001 allowed/,
    );
  });

  test("tolerance: the relative part is of the larger magnitude, unrounded", () => {
    const profile = tolerance("0", "0.01");
    expect(reason("scalar", profile, scalar("-100"), scalar("-99"))).toBe("agrees");
    expect(reason("scalar", profile, scalar("-100"), scalar("-98.999999999999999999"))).toMatch(/differs/);
    // 1% of 150 units of 1e-18 is 1.5: one unit apart agrees, two do not.
    expect(reason("scalar", profile, encodeOutput("scalar", 150n), encodeOutput("scalar", 149n))).toBe(
      "agrees",
    );
    expect(reason("scalar", profile, encodeOutput("scalar", 150n), encodeOutput("scalar", 148n))).toMatch(
      /differs/,
    );
  });

  test("tolerance: another label, length, shape or dtype never agrees", () => {
    const loose = tolerance("1000", "1");
    expect(reason("classification", loose, classification(0, "0.5"), classification(1, "0.5"))).toBe(
      "label 0 is not label 1",
    );
    expect(reason("vector", loose, encodeOutput("vector", [1n]), encodeOutput("vector", [1n, 1n]))).toMatch(
      /vector of 1 /,
    );
    expect(reason("tensor", loose, float32(1), float32(1, 1))).toMatch(
      /float32\[1\] is not tensor float32\[2\]/,
    );
    const scores = (count: number) =>
      encodeOutput("scores", { label: 0, confidence: 1n, scores: Array.from({ length: count }, () => 1n) });
    expect(reason("scores", loose, scores(2), scores(3))).toMatch(/label 0 of 2 is not label 0 of 3/);
  });

  test("tolerance: names the component that is off", () => {
    const scores = (third: string) =>
      encodeOutput("scores", { label: 0, confidence: WAD, scores: [WAD, 0n, parseWad(third)] });
    expect(reason("scores", tolerance("0.1", "0"), scores("0.1"), scores("0.5"))).toMatch(
      /scores\[2\] differs by 0.4/,
    );
    expect(reason("tensor", tolerance("0.1", "0"), float32(1, 2), float32(1, 3))).toMatch(
      /tensor\[1\] differs by 1 /,
    );
    expect(reason("tensor", tolerance("0.1", "0"), float32(1, 2), float32(1.0625, 2))).toBe("agrees");
  });

  test("tolerance: text and integer tensors have no distance", () => {
    const loose = tolerance("1000", "1");
    const int8 = (data: Hex) => encodeOutput("tensor", { dtype: 3, shape: [1], data });
    expect(reason("tensor", loose, int8("0x01"), int8("0x02"))).toMatch(/is not/);
    expect(reason("text", loose, encodeOutput("text", "yes"), encodeOutput("text", "no"))).toMatch(
      /text "yes" is not/,
    );
    expect(reason("text", loose, encodeOutput("text", "yes"), encodeOutput("text", "yes"))).toBe("agrees");
  });

  test("unreadable: bytes that do not decode agree with nothing", () => {
    const loose = tolerance("1", "1");
    expect(reason("scalar", loose, scalar("1"), "0x00")).toMatch(
      /second output is unreadable: AbiDecodingError/,
    );
    expect(reason("scalar", loose, `${scalar("1")}00`, scalar("1"))).toMatch(
      /first output is unreadable: NonCanonical/,
    );
  });

  test("symmetry: the order of the two never matters", () => {
    const near = fc.bigInt({ min: -1_000n, max: 1_000n });
    fc.assert(
      fc.property(fc.array(near, { maxLength: 3 }), fc.array(near, { maxLength: 3 }), (a, b) => {
        const profile = tolerance("0.00000000000000005", "0.1");
        const [one, other] = [encodeOutput("vector", a), encodeOutput("vector", b)];
        expect(agree("vector", profile, one, other).agrees).toBe(agree("vector", profile, other, one).agrees);
        expect(agree("vector", profile, one, one).agrees).toBe(true);
      }),
    );
  });
});

describe("median", () => {
  test("lower median: each number by itself, from those given", () => {
    const outputs = [
      [1n, 50n],
      [2n, 40n],
      [3n, 60n],
      [4n, 10n],
    ].map((values) => encodeOutput("vector", values));
    expect(median("vector", outputs)).toBe(encodeOutput("vector", [2n, 40n]));
    expect(median("vector", outputs.slice(0, 3))).toBe(encodeOutput("vector", [2n, 50n]));
    expect(
      median("classification", [
        classification(3, "0.9"),
        classification(3, "0.7"),
        classification(3, "0.8"),
      ]),
    ).toBe(classification(3, "0.8"));
    expect(median("tensor", [float32(1, -2), float32(3, -4), float32(2, -3)])).toBe(float32(2, -3));
  });

  test("zeros: +0 and -0 give one answer in either order", () => {
    expect(median("tensor", [float32(0), float32(-0)])).toBe(median("tensor", [float32(-0), float32(0)]));
  });

  test("set: order does not matter, and equal outputs are their own median", () => {
    const value = fc.bigInt({ min: -(1n << 255n), max: (1n << 255n) - 1n });
    const rows = fc
      .integer({ min: 1, max: 4 })
      .chain((width) =>
        fc.array(fc.array(value, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }),
      );
    fc.assert(
      fc.property(
        rows.chain((list) =>
          fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        ),
        ([list, shuffled]) => {
          const encode = (values: bigint[]) => encodeOutput("vector", values);
          const middle = median("vector", list.map(encode));
          expect(median("vector", shuffled.map(encode))).toBe(middle);
          const first = encode(list[0] as bigint[]);
          expect(median("vector", [first, first, first])).toBe(first);
        },
      ),
    );
  });

  test("agreement: a median agrees with every output when all agree pairwise", () => {
    const cluster = fc
      .tuple(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.array(fc.bigInt({ min: 0n, max: 10n ** 14n }), { minLength: 1, maxLength: 7 }),
      )
      .map(([base, offsets]) => offsets.map((offset) => encodeOutput("scalar", base + offset)));
    fc.assert(
      fc.property(cluster, (outputs) => {
        const middle = median("scalar", outputs);
        for (const output of outputs)
          expect(agree("scalar", tolerance("0.0001", "0"), middle, output).agrees).toBe(true);
        expect(outputs).toContain(middle);
      }),
    );
  });

  test("undefined: no outputs, other labels, or codecs without a distance", () => {
    expect(() => median("scalar", [])).toThrow(MedianUndefinedError);
    expect(() => median("classification", [classification(0, "0.5"), classification(1, "0.5")])).toThrow(
      /label 0 and label 1/,
    );
    expect(() => median("text", [encodeOutput("text", "a"), encodeOutput("text", "b")])).toThrow(
      MedianUndefinedError,
    );
    expect(median("text", [encodeOutput("text", "a"), encodeOutput("text", "a")])).toBe(
      encodeOutput("text", "a"),
    );
    expect(() => median("scalar", [scalar("1"), "0x"])).toThrow(/ABI/);
  });
});
