import { expect, test } from "vitest";
import { catchUpAt, catchUpText } from "../../../coprocessor/core/catchUp.ts";

test("catching up: a part of the way, its pace and what is left", () => {
  const progress = catchUpAt({ from: 1_000n, at: 44_200n, target: 101_000n }, 10_000);
  expect(progress).toEqual({ percent: 43.2, blocksPerSecond: 4_320, secondsLeft: 14 });
  expect(catchUpText(progress)).toBe("43.2 % at 4320 blocks/s, 14 s left");
});

test("catching up: at the start nothing is known of the pace, and never is more than all done", () => {
  expect(catchUpAt({ from: 5n, at: 5n, target: 10n }, 0)).toEqual({
    percent: 0,
    blocksPerSecond: 0,
    secondsLeft: null,
  });
  expect(catchUpAt({ from: 10n, at: 10n, target: 10n }, 1).percent).toBe(100);
});
