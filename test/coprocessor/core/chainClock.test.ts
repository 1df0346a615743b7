import { describe, expect, it } from "vitest";
import type { BlockRef } from "../../../coprocessor/core/block.ts";
import { ChainClock } from "../../../coprocessor/core/chainClock.ts";

const head = (number: number, timestamp: number): BlockRef => ({
  number: BigInt(number),
  hash: `0x${number}`,
  parentHash: `0x${number - 1}`,
  timestamp,
});

describe("ChainClock", () => {
  it("carries the latest block's time on by our own clock", () => {
    const clock = new ChainClock();
    clock.observe(head(1, 1_000), true, 900_000);
    expect(clock.now(900_000)).toBe(1_000_000);
    expect(clock.now(905_500)).toBe(1_005_500);
  });

  it("does not fall behind because the chain stood still before we started", () => {
    const clock = new ChainClock();
    clock.observe(head(1, 1_000), false, 5_000_000);
    expect(clock.now(5_000_000)).toBe(5_000_000);
    clock.observe(head(2, 6_000), false, 5_000_000);
    expect(clock.now(5_000_000)).toBe(6_000_000);
  });

  it("learns how fast blocks come, also over gaps, and not from blocks of the past", () => {
    const clock = new ChainClock();
    clock.observe(head(1, 0), false, 0);
    clock.observe(head(2, 1_000_000), false, 0);
    expect(clock.blockIntervalMs).toBe(0);
    for (let number = 3; number < 60; number++) clock.observe(head(number, 1_000_000 + 12 * number), true, 0);
    clock.observe(head(62, 1_000_000 + 12 * 62), true, 0);
    expect(clock.blockIntervalMs).toBeGreaterThan(11_900);
    expect(clock.blockIntervalMs).toBeLessThan(12_100);
  });

  it("is not confused by a reorg to a lower head", () => {
    const clock = new ChainClock();
    clock.observe(head(5, 50), true, 0);
    clock.observe(head(4, 40), true, 0);
    expect(clock.blockIntervalMs).toBe(0);
    expect(clock.now(0)).toBe(40_000);
  });
});
