import {
  type DrawParameters,
  drawnFromRound,
  drawSeed,
  drawTicket,
  isDrawn,
  MAX_ROUND,
  roundAt,
  roundStartsAt,
} from "@sibyl/sdk";
import fc from "fast-check";
import { type Hex, keccak256, toHex } from "viem";
import { describe, expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

interface Draw {
  requestId: Hex;
  blockHash: Hex;
  operatorId: number;
  seed: Hex;
  ticket: string;
}
interface Round {
  name: string;
  ticket: string;
  committeeSize: number;
  overdrawBps: number;
  weight: string;
  totalWeight: string;
  firstRound: number;
}
const NEVER = 255;

const parameters: fc.Arbitrary<DrawParameters> = fc.record({
  committeeSize: fc.integer({ min: 0, max: 255 }),
  overdrawBps: fc.integer({ min: 0, max: 65_535 }),
  weight: fc.bigInt({ min: 0n, max: (1n << 56n) - 1n }),
  totalWeight: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
});
const ticket = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

describe("sortition", () => {
  test.each(readVectors<Draw>("sortition", "draws"))("vector: operator $operatorId draws $ticket", (one) => {
    expect(drawSeed(one.requestId, one.blockHash)).toBe(one.seed);
    expect(drawTicket(one.seed, one.operatorId)).toBe(BigInt(one.ticket));
    const preimage = `${one.seed}${toHex(one.operatorId, { size: 32 }).slice(2)}` as Hex;
    expect(toHex(BigInt(one.ticket), { size: 16 }).slice(2)).toBe(keccak256(preimage).slice(-32));
  });

  test.each(readVectors<Round>("sortition", "rounds"))("vector: $name", (one) => {
    const inputs = { ...one, weight: BigInt(one.weight), totalWeight: BigInt(one.totalWeight) };
    const first = drawnFromRound(BigInt(one.ticket), inputs);
    expect(first ?? NEVER).toBe(one.firstRound);
    for (let round = 0; round <= MAX_ROUND + 1; round++) {
      expect(isDrawn(BigInt(one.ticket), inputs, round)).toBe(round >= one.firstRound);
    }
  });

  test("chance: the formula holds as a fraction, capped at 1", () => {
    fc.assert(
      fc.property(ticket, parameters, fc.integer({ min: 0, max: 40 }), (value, inputs, round) => {
        const widened =
          BigInt(inputs.committeeSize) *
          BigInt(inputs.overdrawBps) *
          inputs.weight *
          2n ** BigInt(Math.min(round, 32));
        const whole = inputs.totalWeight * 10_000n;
        const expected = widened > 0n && (widened >= whole || value * whole < widened * 2n ** 128n);
        expect(isDrawn(value, inputs, round)).toBe(expected);
      }),
    );
  });

  test("width: no product leaves 256 bits, so Solidity need not check", () => {
    const widest = (1n << 128n) - 1n;
    expect(widest * ((1n << 64n) - 1n) * 10_000n).toBeLessThan(1n << 256n);
    expect(((255n * 65_535n * ((1n << 56n) - 1n)) << 32n) << 128n).toBeLessThan(1n << 256n);
  });

  test("fairness: equal seats are drawn about as often as the formula says", () => {
    const inputs: DrawParameters = { committeeSize: 3, overdrawBps: 10_000, weight: 1n, totalWeight: 10n };
    let drawn = 0;
    for (let request = 0; request < 300; request++) {
      const seed = drawSeed(toHex(request, { size: 32 }), toHex(7, { size: 32 }));
      for (let operatorId = 1; operatorId <= 10; operatorId++) {
        if (isDrawn(drawTicket(seed, operatorId), inputs, 0)) drawn++;
      }
    }
    // 3 of 10 expected: 900 of 3000, standard deviation 25.
    expect(Math.abs(drawn - 900)).toBeLessThan(125);
  });

  test("round: counts whole rounds from the opening", () => {
    const request = { openedAt: 1_000, roundSeconds: 12 };
    expect([999, 1_000, 1_011, 1_012, 1_023, 1_024].map((now) => roundAt(now, request))).toEqual([
      0, 0, 0, 1, 1, 2,
    ]);
    expect(roundAt(1_000 + 12 * 1_000, request)).toBe(1_000);
    for (const round of [0, 1, 5]) {
      expect(roundAt(roundStartsAt(round, request), request)).toBe(round);
      if (round > 0) expect(roundAt(roundStartsAt(round, request) - 1, request)).toBe(round - 1);
    }
    expect(() => roundAt(0, { openedAt: 0, roundSeconds: 0 })).toThrow(/roundSeconds/);
  });
});
