import { describe, expect, it } from "vitest";
import { readConfig } from "../../../coprocessor/config.ts";

const REQUIRED = {
  RPC_URL: "http://127.0.0.1:8545",
  ORACLE_ADDRESS: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  ATTESTER_KEY: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
};
const read = (variables: Record<string, string>) => readConfig({ ...REQUIRED, ...variables }).operations;

describe("operations", () => {
  it("without a word: no floor, no loss, nothing waits for company", () => {
    expect(read({})).toEqual({
      prices: { minFees: new Map(), tokenWeiWad: new Map() },
      workerLanes: null,
      maxQueuedJobs: 1_000,
      admissionMarginMs: 500,
      minProfitWei: 0n,
      batchWindowMs: 0,
      lowBalanceSettlements: 10,
      drainTimeoutMs: 10_000,
      maxClockSkewMs: 30_000,
      retentionDays: 30,
    });
  });

  it("floors by token and model, and what tokens are worth", () => {
    const id = `0x${"ab".repeat(32)}`;
    const { prices } = read({
      MIN_FEES: `native=1000000000, spam-text/1=500, ${id}/native=7`,
      TOKEN_WEI: "1=350000000, 2=0.00035",
    });
    expect([...prices.minFees]).toEqual([
      ["native", 10n ** 9n],
      ["spam-text/1", 500n],
      [`${id}/native`, 7n],
    ]);
    expect([...prices.tokenWeiWad]).toEqual([
      [1, 350_000_000n * 10n ** 18n],
      [2, 35n * 10n ** 13n],
    ]);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ["a floor without a token", { MIN_FEES: "1000" }, /MIN_FEES must be \[model\/\]token=amount.*, not 1000/],
    ["a floor in parts of a unit", { MIN_FEES: "native=0.5" }, /MIN_FEES must be/],
    ["a token by name", { TOKEN_WEI: "usdc=1" }, /TOKEN_WEI must be token=wei.*, not usdc=1/],
    ["a profit in ether", { MIN_PROFIT_WEI: "0.1" }, /MIN_PROFIT_WEI must be a whole number of wei/],
    ["a retention of hours", { RETENTION_DAYS: "0.5" }, /RETENTION_DAYS/],
    ["a clock that may never differ", { MAX_CLOCK_SKEW_MS: "0" }, /MAX_CLOCK_SKEW_MS/],
  ])("refused: %s", (_title, variables, message) => {
    expect(() => read(variables)).toThrow(message);
  });

  it("a loss that the operator bears is a profit below zero", () => {
    expect(read({ MIN_PROFIT_WEI: "-5" }).minProfitWei).toBe(-5n);
  });
});
