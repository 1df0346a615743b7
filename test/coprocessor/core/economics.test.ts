import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  balanceStanding,
  bidCeiling,
  breakEvenGasPrice,
  groupDue,
  LAST_CHANCE_MS,
  repaidGas,
  stopLossReason,
  type Takings,
} from "../../../coprocessor/core/economics.ts";

const NOW = 1_000_000_000;
const takings = (patch: Partial<Takings> = {}): Takings => ({
  shareWei: 1_000n,
  reserveWei: 100_000n,
  maxGasPrice: 10n,
  deadlineMs: NOW + 600_000,
  ...patch,
});

/** The oracle's own sum: what is left of a settlement at a gas price. */
function profit({ shareWei, reserveWei, maxGasPrice }: Takings, gas: bigint, price: bigint): bigint {
  const priced = gas * (price < maxGasPrice ? price : maxGasPrice);
  return shareWei + (priced < reserveWei ? priced : reserveWei) - gas * price;
}

describe("repaidGas", () => {
  it("what the reserve was made for, up to the request's price", () => {
    expect(repaidGas(takings(), 1_024, 10n, NOW)).toBe(10_000n);
  });

  it.each([
    ["a price above the request's", takings(), 1_024, 11n],
    ["an output that may be larger than the reserve is for", takings(), 1_025, 10n],
    ["the last chance, when more may be bid", takings({ deadlineMs: NOW + LAST_CHANCE_MS }), 1_024, 10n],
    ["a request that repays nothing", takings({ maxGasPrice: 0n }), 1_024, 0n],
  ])("null: %s", (_, all, bytes, price) => {
    expect(repaidGas(all, bytes, price, NOW)).toBeNull();
  });

  it("with it a settlement is bid for as with its exact gas", () => {
    const any = fc.record({
      shareWei: fc.bigInt({ min: 0n, max: 10n ** 16n }),
      reservedGas: fc.bigInt({ min: 21_000n, max: 5_000_000n }),
      maxGasPrice: fc.bigInt({ min: 1n, max: 10n ** 12n }),
      part: fc.bigInt({ min: 1n, max: 100n }),
      least: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
    });
    fc.assert(
      fc.property(any, ({ shareWei, reservedGas, maxGasPrice, part, least }) => {
        const all = takings({ shareWei, maxGasPrice, reserveWei: reservedGas * maxGasPrice });
        const gas = repaidGas(all, 700, maxGasPrice, NOW) as bigint;
        const exact = (reservedGas * part + 99n) / 100n;
        expect(bidCeiling(all, gas, least, NOW)).toBe(bidCeiling(all, exact, least, NOW));
      }),
    );
  });
});

describe("breakEvenGasPrice", () => {
  it("up to the request's price gas is repaid; above it our share pays", () => {
    // 100 gas at 10 wei are repaid, and 1,000 wei of share pay for 10 wei more.
    expect(breakEvenGasPrice(takings(), 100n, 0n)).toBe(20n);
    expect(breakEvenGasPrice(takings(), 100n, 500n)).toBe(15n);
  });

  it("a reserve that is too small for the gas lowers it", () => {
    expect(breakEvenGasPrice(takings({ reserveWei: 400n, shareWei: 0n }), 100n, 0n)).toBe(4n);
  });

  it("no price earns more than the share", () => {
    expect(breakEvenGasPrice(takings({ shareWei: 9n }), 100n, 10n)).toBeNull();
    expect(breakEvenGasPrice(takings({ shareWei: 0n }), 100n, -500n)).toBe(15n);
  });

  it("exact: at it a settlement earns what is asked for, one wei above it no more", () => {
    const wei = (max: bigint) => fc.bigInt({ min: 0n, max });
    const any = fc.record({
      shareWei: wei(10n ** 16n),
      reserveWei: wei(10n ** 17n),
      maxGasPrice: wei(10n ** 12n),
      deadlineMs: fc.constant(NOW),
    });
    fc.assert(
      fc.property(
        any,
        fc.bigInt({ min: 21_000n, max: 5_000_000n }),
        fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
        (all, gas, least) => {
          const price = breakEvenGasPrice(all, gas, least);
          if (price === null) {
            expect(profit(all, gas, 0n)).toBeLessThan(least);
            return;
          }
          // A price is whole wei: below the knee every price earns the share.
          const isPastKnee = price >= all.maxGasPrice || price >= all.reserveWei / gas;
          expect(profit(all, gas, price)).toBeGreaterThanOrEqual(least);
          if (isPastKnee) expect(profit(all, gas, price + 1n)).toBeLessThan(least);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("bidCeiling", () => {
  it("waits for cheaper gas while there is time, and spends the share at the end", () => {
    expect(bidCeiling(takings(), 100n, 0n, NOW)).toBe(10n);
    expect(bidCeiling(takings({ deadlineMs: NOW + LAST_CHANCE_MS }), 100n, 0n, NOW)).toBe(20n);
    expect(bidCeiling(takings({ reserveWei: 400n, shareWei: 0n }), 100n, 0n, NOW)).toBe(4n);
    expect(bidCeiling(takings({ shareWei: 0n }), 100n, 1n, NOW)).toBeNull();
  });

  it("says what it costs and what it pays", () => {
    expect(stopLossReason(takings({ shareWei: 0n }), 100n, 12n, 0n)).toBe(
      "settlement/costs-more-than-it-pays: 100 gas at 12 wei cost 1200 wei, of which 1000 are repaid, and our share is 0",
    );
    expect(stopLossReason(takings(), 100n, 12n, 5n)).toMatch(/this operator asks for 5 wei more$/);
  });
});

describe("groupDue", () => {
  const RULES = { windowMs: 0, maxItems: 3, maxGas: 1_000_000n };
  const item = (id: string, createdAt = NOW, gas = 200_000n) => ({ id, gas, createdAt });
  const ids = (groups: { id: string }[][]) => groups.map((group) => group.map(({ id }) => id).join(""));

  it("together: what is due in one tick, up to so many and so much gas", () => {
    const many = ["a", "b", "c", "d"].map((id) => item(id));
    expect(ids(groupDue(many, RULES, NOW).groups)).toEqual(["abc", "d"]);
    const large = [item("a", NOW, 700_000n), item("b", NOW, 700_000n), item("c", NOW, 100_000n)];
    expect(ids(groupDue(large, RULES, NOW).groups)).toEqual(["a", "bc"]);
    expect(groupDue([], RULES, NOW)).toMatchObject({ groups: [], waiting: [] });
  });

  it("never delayed: without a window a lone settlement goes at once", () => {
    expect(groupDue([item("a")], RULES, NOW)).toMatchObject({ groups: [[{ id: "a" }]], waiting: [] });
  });

  it("a window: the oldest waits as long for company, and no longer; a full group goes", () => {
    const rules = { ...RULES, windowMs: 500 };
    expect(groupDue([item("a")], rules, NOW + 499)).toMatchObject({ groups: [], untilMs: NOW + 500 });
    expect(ids(groupDue([item("a"), item("b", NOW + 400)], rules, NOW + 500).groups)).toEqual(["ab"]);
    expect(
      ids(
        groupDue(
          ["a", "b", "c"].map((id) => item(id)),
          rules,
          NOW,
        ).groups,
      ),
    ).toEqual(["abc"]);
  });
});

describe("balanceStanding", () => {
  it("low below what so many settlements cost at today's price", () => {
    expect(balanceStanding(1_999n, 10, 100n, 2n)).toEqual({ low: true, thresholdWei: 2_000n });
    expect(balanceStanding(2_000n, 10, 100n, 2n)).toEqual({ low: false, thresholdWei: 2_000n });
    expect(balanceStanding(0n, 0, 100n, 2n).low).toBe(false);
  });
});
