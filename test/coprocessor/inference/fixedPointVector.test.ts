import { encodeVector, parseWad } from "@sibyl/sdk";
import { decodeRawVector } from "@sibyl/sdk/codec/vector";
import fc from "fast-check";
import { expect, test } from "vitest";
import { integersOf } from "../../../coprocessor/inference/tasks/fixedPointVector.ts";

const wordsOf = (wads: readonly bigint[]) => decodeRawVector(encodeVector(wads));

/** Halves away from zero, by the book. */
function rounded(wad: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(18 - decimals);
  const size = wad < 0n ? -wad : wad;
  const whole = size / unit + (2n * (size % unit) >= unit ? 1n : 0n);
  return wad < 0n ? -whole : whole;
}

test("integers: the nearest, halves away from zero, wherever a number lies", () => {
  const decimals = fc.integer({ min: 0, max: 18 });
  const anywhere = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n });
  // Around the middle of two integers, where a double cannot tell.
  const middle = fc
    .tuple(fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }), decimals, fc.bigInt({ min: -3n, max: 3n }))
    .map(([whole, digits, off]) => (2n * whole + 1n) * (10n ** BigInt(18 - digits) / 2n) + off);
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(anywhere, middle), decimals, (wad, digits) => {
      const expected = rounded(wad, digits);
      for (const [type, bits] of [
        ["int32", 32],
        ["int64", 64],
      ] as const) {
        if (BigInt.asIntN(bits, expected) === expected) {
          expect(BigInt(integersOf(wordsOf([wad]), digits, type)[0] as bigint)).toBe(expected);
        } else {
          refused += 1;
          expect(() => integersOf(wordsOf([wad]), digits, type)).toThrow(`beyond ${type}`);
        }
      }
    }),
    { numRuns: 5_000 },
  );
  expect(refused).toBeGreaterThan(0);
});

test("integers: halves and the ends of int32", () => {
  const of = (decimals: number, ...numbers: string[]) =>
    [...integersOf(wordsOf(numbers.map(parseWad)), decimals, "int32")].map(Number);
  expect(of(0, "0.5", "-0.5", "1.5", "-1.5", "0.499999999999999999", "-0.499999999999999999")).toEqual([
    1, -1, 2, -2, 0, 0,
  ]);
  expect(of(2, "0.125", "0.124999999999999999", "5.1")).toEqual([13, 12, 510]);
  expect(of(0, "2147483647.4", "-2147483648.4")).toEqual([2147483647, -2147483648]);
  expect(() => of(0, "1", "2147483647.5")).toThrow("number 1 (2147483647.5) is beyond int32");
});
