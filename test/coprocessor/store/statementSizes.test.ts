import { expect, test } from "vitest";
import { filledUp, inPowersOfTwo } from "../../../coprocessor/store/statementSizes.ts";

const counted = (length: number) => Array.from({ length }, (_, index) => index);

test("lists of few lengths: every row once, in order", () => {
  for (const length of [0, 1, 2, 3, 7, 128, 250, 1_201]) {
    const parts = [...inPowersOfTwo(counted(length), 128)];
    expect(parts.flat()).toEqual(counted(length));
    for (const part of parts) expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(part.length);
  }
});

test("lists of few lengths: every key, and none that was not asked for", () => {
  for (const length of [0, 1, 3, 256, 257, 1_000]) {
    const parts = [...filledUp(counted(length))];
    expect([...new Set(parts.flat())]).toEqual(counted(length));
    for (const part of parts) expect(Number.isInteger(Math.log2(part.length))).toBe(true);
    expect(Math.max(0, ...parts.map((part) => part.length))).toBeLessThanOrEqual(256);
  }
});
