import { expect, test } from "vitest";
import { median, missedBounds, type Row } from "../../../scripts/adversary/row.ts";

const GOOD: Row = {
  attack: "liar",
  requests: 10,
  settled: 10,
  wrongSettled: 0,
  honestSlashed: 0,
  cheaterProfitWei: "-5",
  cheaterEarnedWei: "0",
  overturned: null,
  latencyMsP50: 2_000,
  addedLatencyMsP50: 1_000,
  rssGrowthMb: 10,
  disagreements: 3,
};
const BOUNDS = { addedLatencyMs: 5_000, rssGrowthMb: 256 };

test("bounds: a row that keeps them all misses none", () => {
  expect(missedBounds(GOOD, BOUNDS)).toEqual([]);
  expect(missedBounds({ ...GOOD, overturned: 10, addedLatencyMsP50: null }, BOUNDS)).toEqual([]);
});

test("bounds: each one that does not hold is named with its value", () => {
  const bad: [Partial<Row>, RegExp][] = [
    [{ wrongSettled: 1 }, /liar: wrongSettled is 1, at most 0/],
    [{ honestSlashed: 1 }, /honestSlashed is 1/],
    [{ settled: 9 }, /unsettled requests is 1/],
    [{ cheaterProfitWei: "1" }, /a profit of 1 wei/],
    [{ addedLatencyMsP50: 5_001 }, /addedLatencyMsP50 is 5001, at most 5000/],
    [{ rssGrowthMb: 257 }, /rssGrowthMb is 257/],
    [{ overturned: 9 }, /9 of 10 wrong proposals overturned/],
  ];
  for (const [change, line] of bad) {
    const missed = missedBounds({ ...GOOD, ...change }, BOUNDS);
    expect(missed).toHaveLength(1);
    expect(missed[0]).toMatch(line);
  }
});

test("median: the lower of the two in the middle, and none of nothing", () => {
  expect(median([3, 1, 2, 4])).toBe(2);
  expect(median([])).toBeNull();
});
