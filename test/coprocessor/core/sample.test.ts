import { keccak256, toHex } from "viem";
import { describe, expect, it } from "vitest";
import { isSampled } from "../../../coprocessor/core/sample.ts";

const SEED = keccak256("0x01");
const requestId = (n: number) => keccak256(toHex(n));

describe("the sample", () => {
  const sampled = (seed: `0x${string}`, share: number) =>
    Array.from({ length: 4_000 }, (_, n) => requestId(n)).filter((id) => isSampled(seed, id, share));

  it("chosen: the same requests each time, as many as the share says", () => {
    const tenth = sampled(SEED, 0.1);
    expect(tenth).toEqual(sampled(SEED, 0.1));
    // 4,000 draws of a tenth: 400, with a deviation of 19; six of them either way.
    expect(tenth.length).toBeGreaterThan(286);
    expect(tenth.length).toBeLessThan(514);
  });

  it("chosen: none of 0, all of 1, and a larger share holds a smaller one", () => {
    expect(sampled(SEED, 0)).toEqual([]);
    expect(sampled(SEED, 1)).toHaveLength(4_000);
    const half = new Set(sampled(SEED, 0.5));
    expect(sampled(SEED, 0.1).every((id) => half.has(id))).toBe(true);
  });

  it("chosen: others by another key", () => {
    expect(sampled(SEED, 0.1)).not.toEqual(sampled(keccak256("0x02"), 0.1));
  });
});
