import {
  formatWad,
  fromWad,
  InvalidDecimalError,
  NotFiniteError,
  OutOfRangeError,
  parseWad,
  toWad,
  WAD,
} from "@sibyl/sdk";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

const moderate = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e50, max: 1e50 });

describe("fixed point", () => {
  test.each(readVectors<{ number: string; wad: string }>("fixedPoint"))(
    "vector: $number",
    ({ number, wad }) => {
      expect(toWad(Number(number))).toBe(BigInt(wad));
    },
  );

  test("toWad: no nearer integer exists, and ties are even", () => {
    fc.assert(
      fc.property(moderate, (value) => {
        // The double as an exact fraction: scale by powers of two, which loses nothing.
        let numerator = value;
        let shift = 0n;
        while (!Number.isInteger(numerator) && shift < 1_100n) {
          numerator *= 2;
          shift++;
        }
        const denominator = 1n << shift;
        const twiceError = 2n * (BigInt(numerator) * WAD - toWad(value) * denominator);
        const size = twiceError < 0n ? -twiceError : twiceError;
        expect(size <= denominator).toBe(true);
        if (size === denominator) expect(toWad(value) % 2n).toBe(0n);
      }),
    );
  });

  test("toWad: is odd and keeps order", () => {
    fc.assert(
      fc.property(moderate, moderate, (a, b) => {
        expect(toWad(-a)).toBe(-toWad(a));
        expect(a <= b ? toWad(a) <= toWad(b) : toWad(a) >= toWad(b)).toBe(true);
      }),
    );
  });

  test("fromWad: gives back every float32 between 1e-6 and 1e9", () => {
    fc.assert(
      fc.property(fc.float({ min: Math.fround(1e-6), max: Math.fround(1e9), noNaN: true }), (value) => {
        expect(Math.fround(fromWad(toWad(value)))).toBe(value);
      }),
    );
  });

  test("toWad: NaN, infinities and what no int256 holds are refused", () => {
    for (const value of [Number.NaN, Infinity, -Infinity]) expect(() => toWad(value)).toThrow(NotFiniteError);
    for (const value of [1e60, -1e60, Number.MAX_VALUE]) expect(() => toWad(value)).toThrow(OutOfRangeError);
    expect(toWad(-0)).toBe(0n);
  });

  test("parseWad: takes plain decimals exactly", () => {
    expect(parseWad("0.1")).toBe(WAD / 10n);
    expect(parseWad("-1.000000000000000001")).toBe(-WAD - 1n);
    expect(parseWad("12")).toBe(12n * WAD);
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 70n), max: 10n ** 70n }), (wad) => {
        expect(parseWad(formatWad(wad))).toBe(wad);
      }),
    );
    for (const text of [
      "",
      ".",
      "1.",
      ".5",
      "1e3",
      "+1",
      " 1",
      "0x1",
      "1,5",
      "0.0000000000000000001",
      "NaN",
    ]) {
      expect(() => parseWad(text), text).toThrow(InvalidDecimalError);
    }
    expect(() => parseWad("9".repeat(60))).toThrow(OutOfRangeError);
  });
});
