import { expect, test } from "vitest";
import { mayBeForgotten, memoryBeginsAt, tooYoungForMs } from "../../../coprocessor/core/memory.ts";

const head = { number: 100n, timestamp: 1_000_000 };

test("memory: begins at the head, and where the chain's time is ours no earlier than now", () => {
  expect(memoryBeginsAt(head, 1_000_000_000)).toEqual({ block: 100n, timestamp: 1_000_000 });
  // The endpoint is nine seconds behind, so what opened meanwhile may have been signed.
  expect(memoryBeginsAt(head, 1_000_009_000)).toEqual({ block: 100n, timestamp: 1_000_009 });
  // Our own clock is slow: the head's time counts.
  expect(memoryBeginsAt(head, 999_970_000)).toEqual({ block: 100n, timestamp: 1_000_000 });
});

test("memory: on a chain whose time is not ours, our clock says nothing", () => {
  expect(memoryBeginsAt(head, 5_000_000_000)).toEqual({ block: 100n, timestamp: 1_000_000 });
});

test.each([
  [100n, 1_000_001, true, "in the head's own block"],
  [101n, 1_000_000, true, "later by number, and no later by time"],
  [101n, 1_000_001, false, "later by both"],
])(
  "memory: a request of block %s and time %s may be forgotten: %s, %s",
  (openedBlock, openedAt, forgotten) => {
    expect(mayBeForgotten({ openedBlock, openedAt }, { block: 100n, timestamp: 1_000_000 })).toBe(forgotten);
  },
);

test("memory: too young until whatever opens next cannot be forgotten, and not longer", () => {
  const began = { block: 100n, timestamp: 1_000_000 };
  const opensAt = (chainNowMs: number) => ({ openedBlock: 101n, openedAt: Math.floor(chainNowMs / 1_000) });
  expect(tooYoungForMs(began, 999_999_500)).toBe(1_500);
  expect(tooYoungForMs(began, 1_000_000_999)).toBe(1);
  expect(mayBeForgotten(opensAt(1_000_000_999), began)).toBe(true);
  expect(tooYoungForMs(began, 1_000_001_000)).toBe(0);
  expect(mayBeForgotten(opensAt(1_000_001_000), began)).toBe(false);
  expect(tooYoungForMs(began, 2_000_000_000)).toBe(0);
});
