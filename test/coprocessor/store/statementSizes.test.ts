import { expect, test } from "vitest";
import { inPowersOfTwo } from "../../../coprocessor/store/statementSizes.ts";

const counted = (length: number) => Array.from({ length }, (_, index) => index);

test("lists of few lengths: every row once, in order", () => {
  for (const length of [0, 1, 2, 3, 7, 128, 250, 1_201]) {
    const parts = [...inPowersOfTwo(counted(length), 128)];
    expect(parts.flat()).toEqual(counted(length));
    for (const part of parts) expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(part.length);
  }
});
