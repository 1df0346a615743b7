import { drawSeed, drawTicket, unpackRequest } from "@sibyl/sdk";
import { keccak256, toHex } from "viem";
import { describe, expect, it } from "vitest";
import { draw } from "../../../coprocessor/core/draw.ts";
import type { EnrolmentRecord } from "../../../coprocessor/core/operators.ts";

const MODEL = keccak256(toHex("model"));
const REQUEST = keccak256(toHex("request"));
const BLOCK_HASH = keccak256(toHex("block"));

const fields = (committeeSize: number, totalWeight: bigint) => ({
  ...unpackRequest({ modelId: MODEL, inputHash: MODEL, terms: 0n, opening: 0n, funds: 0n }),
  committeeSize,
  totalWeight,
  overdrawBps: 15_000,
  openedAt: 1_000,
});

const seat = (operatorId: number, overrides: Partial<EnrolmentRecord> = {}): EnrolmentRecord => ({
  modelId: MODEL,
  operatorId,
  attester: "0x0000000000000000000000000000000000000001",
  weight: 100n,
  activeFrom: 0,
  ...overrides,
});

const seats = (count: number) => Array.from({ length: count }, (_, index) => seat(index + 1));

describe("draw", () => {
  it("admits everybody at once when the committee is as large as the fleet", () => {
    const candidates = draw(REQUEST, fields(3, 300n), BLOCK_HASH, seats(3));
    expect(candidates.map(({ fromRound }) => fromRound)).toEqual([0, 0, 0]);
  });

  it("orders by ticket, whatever the order of the seats", () => {
    const candidates = draw(REQUEST, fields(5, 5_000n), BLOCK_HASH, seats(50).reverse());
    const tickets = candidates.map(({ operatorId }) => drawTicket(drawSeed(REQUEST, BLOCK_HASH), operatorId));
    expect(tickets).toEqual([...tickets].sort((a, b) => (a < b ? -1 : 1)));
    expect(candidates).toHaveLength(50);
  });

  it("draws about committee size times overdraw in round 0, and more in each later round", () => {
    const candidates = draw(REQUEST, fields(10, 40_000n), BLOCK_HASH, seats(400));
    const drawnIn = (round: number) => candidates.filter(({ fromRound }) => fromRound <= round).length;
    expect(drawnIn(0)).toBeGreaterThan(5);
    expect(drawnIn(0)).toBeLessThan(30);
    expect(drawnIn(2)).toBeGreaterThan(drawnIn(0));
    expect(drawnIn(32)).toBe(400);
  });

  it("leaves out seats that were not active when the request opened", () => {
    const late = [seat(1), seat(2, { activeFrom: 1_000 }), seat(3, { activeFrom: 1_001 })];
    const ids = draw(REQUEST, fields(3, 300n), BLOCK_HASH, late).map(({ operatorId }) => operatorId);
    expect(ids.sort()).toEqual([1, 2]);
  });

  it("changes with the block that opened the request", () => {
    const order = (blockHash: `0x${string}`) =>
      draw(REQUEST, fields(5, 2_000n), blockHash, seats(20)).map(({ operatorId }) => operatorId);
    expect(order(BLOCK_HASH)).not.toEqual(order(keccak256(toHex("another block"))));
  });
});
