import { encodeScores, encodeVector, OutOfRangeError, ShapeMismatchError, SibylError, WAD } from "@sibyl/sdk";
import { encodeRawWadScores, highestWad } from "@sibyl/sdk/codec/scores";
import { decodeRawVector, decodeVector } from "@sibyl/sdk/codec/vector";
import { readInt256, WORD } from "@sibyl/sdk/codec/words";
import fc from "fast-check";
import { bytesToHex, hexToBytes } from "viem";
import { expect, test } from "vitest";

const WAD_HALVES = 1n << 32n;

test("scores of a graph: the same bytes as of bigints, the first of the highest being the label", () => {
  // Scores that differ in one half only, and equal ones.
  const near = fc.bigInt({ min: -2n, max: 2n }).map((off) => WAD / 2n + off);
  const halves = fc.bigInt({ min: 0n, max: WAD / WAD_HALVES }).map((high) => high * WAD_HALVES);
  const score = fc.oneof(fc.bigInt({ min: 0n, max: WAD }), near, halves, fc.constantFrom(0n, WAD));
  fc.assert(
    fc.property(fc.array(score, { minLength: 1, maxLength: 12 }), fc.nat(3), (scores, before) => {
      let label = 0;
      for (const [at, one] of scores.entries()) if (one > (scores[label] as bigint)) label = at;
      // As a view of a longer result, as rows of a batch are.
      const row = BigInt64Array.from([...new Array(before).fill(7n), ...scores, 7n]).subarray(before, -1);
      expect(highestWad(row)).toBe(label);
      expect(bytesToHex(encodeRawWadScores(row))).toBe(
        encodeScores({ label, confidence: scores[label] as bigint, scores }),
      );
    }),
    { numRuns: 1_000 },
  );
});

test("scores of a graph: none, or one outside of 0 to 1e18, is refused by its place", () => {
  expect(() => encodeRawWadScores(new BigInt64Array())).toThrow(ShapeMismatchError);
  for (const outside of [-1n, WAD + 1n, WAD + WAD_HALVES, -(1n << 63n), (1n << 63n) - 1n]) {
    const scores = BigInt64Array.of(0n, outside);
    expect(() => encodeRawWadScores(scores), String(outside)).toThrow(OutOfRangeError);
    expect(() => highestWad(scores)).toThrow(/scores\[1\]/);
  }
});

test("a vector's words: the numbers that decoding gives, and the same refusals", () => {
  const numbers = fc.array(fc.bigInt({ min: -(1n << 255n), max: (1n << 255n) - 1n }), { maxLength: 4 });
  const change = fc.record({ numbers, at: fc.nat(), byte: fc.nat(255), cut: fc.nat(33), more: fc.nat(33) });
  let refused = 0;
  fc.assert(
    fc.property(change, ({ numbers: given, at, byte, cut, more }) => {
      const good = hexToBytes(encodeVector(given));
      const broken = Uint8Array.from([...good.subarray(0, good.length - cut), ...new Uint8Array(more)]);
      if (broken.length > 0) broken[at % broken.length] = byte;
      for (const bytes of [good, broken]) {
        const form = bytesToHex(bytes);
        const expected = outcome(() => decodeVector(form));
        if (expected instanceof SibylError) refused += 1;
        for (const encoding of [bytes, form]) expect(outcome(() => wordsOf(encoding))).toEqual(expected);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(refused).toBeGreaterThan(100);
});

function wordsOf(encoding: Parameters<typeof decodeRawVector>[0]): bigint[] {
  const words = decodeRawVector(encoding);
  return Array.from({ length: words.byteLength / WORD }, (_, index) => readInt256(words, index * WORD));
}

function outcome<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
}
