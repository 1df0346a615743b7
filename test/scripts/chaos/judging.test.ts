import { attestationTypedData, commitTypedData, type RequestFields } from "@sibyl/sdk";
import { type Hex, keccak256, stringToHex } from "viem";
import { describe, expect, test } from "vitest";
import { expectedLedger } from "../../../scripts/chaos/ledgerAudit.ts";
import { StatementBook } from "../../../scripts/chaos/statementBook.ts";
import { broken, type ChaosResult, judge } from "../../../scripts/chaos/verdict.ts";
import { operatorAttester } from "../../../scripts/network/devAccounts.ts";

const hash = (name: string): Hex => keccak256(stringToHex(name));
const CONSUMER = "0x00000000000000000000000000000000000000c0" as const;
const fields: RequestFields = {
  modelId: hash("model"),
  inputHash: hash("input"),
  consumer: CONSUMER,
  deadline: 1_000,
  callbackGasLimit: 0,
  committeeSize: 3,
  quorum: 2,
  salt: 0,
  totalWeight: 3n,
  openedBlock: 1n,
  openedAt: 900,
  challengeWindow: 0,
  arbiterIndex: 0,
  roundSeconds: 5,
  overdrawBps: 15_000,
  royaltyBps: 1_000,
  protocolBps: 500,
  tokenIndex: 0,
  fee: 1_001n,
  gasReserve: 500n,
  maxGasPrice: 1n,
};
const request = (name: string) => ({ requestId: hash(name), fields });
const SIGNERS_1_AND_2 = (1n << 224n) | (2n << 192n);
const payout = (name: string) => ({
  requestId: hash(name),
  signers: SIGNERS_1_AND_2,
  gasPaid: 300n,
  submitterId: 2,
});
const refund = (name: string) => ({ requestId: hash(name), refundedWei: 1_501n });

describe("a storm's verdict", () => {
  test("settled, expired with a reason, and lost add up", () => {
    const opened = ["a", "b", "c", "d"].map(request);
    const facts = { opened, payouts: [payout("a")], refunds: [refund("b"), refund("c")] };
    expect(judge(facts, new Map([[hash("b"), "why"]]))).toEqual({
      requests: 4,
      settled: 1,
      expiredWithReason: 1,
      lost: 2,
      settledTwice: 0,
      doublePayments: 0,
    });
  });

  test("a second settlement is a second payment, and so is a refund after a settlement", () => {
    const opened = ["a", "b"].map(request);
    const facts = { opened, payouts: [payout("a"), payout("a"), payout("b")], refunds: [refund("b")] };
    expect(judge(facts, new Map())).toMatchObject({ settledTwice: 1, doublePayments: 2, settled: 2 });
  });

  test("says what breaks the promise", () => {
    const good: ChaosResult = {
      seed: 1,
      requests: 100,
      settled: 95,
      expiredWithReason: 5,
      lost: 0,
      settledTwice: 0,
      equivocations: 0,
      doublePayments: 0,
      balanceErrorWei: "0",
      seconds: 1,
    };
    expect(broken(good)).toEqual([]);
    expect(broken({ ...good, settled: 94, lost: 1, balanceErrorWei: "7" })).toEqual([
      "lost is 1",
      "balances are off by 7 wei",
      "94 of 100 settled, below 95 %",
    ]);
  });
});

describe("the ledger by the logs", () => {
  test("splits a fee as the oracle does, and gives back what the gas did not need", () => {
    const paidIn = new Map<string, bigint>([[CONSUMER, 5_000n]]);
    const opened = [request("a"), request("b")];
    const ledger = expectedLedger(opened, [payout("a")], [refund("b")], paidIn);
    // 1001 less 100 royalty and 50 for the protocol is 851: 425 each, and the odd one is the protocol's.
    expect(ledger.earnings).toEqual(
      new Map([
        [1, 425n],
        [2, 725n],
      ]),
    );
    expect(ledger.shares).toEqual(new Map([[fields.modelId, 151n]]));
    expect(ledger.credit).toEqual(new Map([[CONSUMER, 5_000n - 2n * 1_501n + 200n + 1_501n]]));
  });

  test("refuses what was closed and never opened", () => {
    expect(() => expectedLedger([], [payout("a")], [], new Map())).toThrow(/was closed and never opened/);
  });
});

describe("the book of statements", () => {
  const scope = { chainId: 31_337, oracle: "0x00000000000000000000000000000000000000aa" } as const;
  const requestId = hash("request");
  const account = operatorAttester(0);
  const book = (isExact = false) =>
    new StatementBook(
      scope,
      () => account.address,
      () => isExact,
    );
  const attest = async (output: string, view: number) => {
    const outputHash = hash(output);
    const typedData = attestationTypedData(scope, { requestHash: requestId, outputHash, view });
    const signature = await account.signTypedData(typedData);
    return { kind: "attestation", requestId, operatorId: 1, view, outputHash, signature } as const;
  };

  test("two outputs in one view are an equivocation, two views of a `tolerance` model are none", async () => {
    const heard = book();
    for (const message of [await attest("a", 0), await attest("a", 0), await attest("b", 1)])
      heard.hear(message);
    expect(await heard.equivocations()).toEqual([]);
    heard.hear(await attest("c", 1));
    expect(await heard.equivocations()).toMatchObject([
      { operatorId: 1, requestId, slots: ["attestation/1", "attestation/1"] },
    ]);
  });

  test("for an exact model two outputs in any views are one", async () => {
    const heard = book(true);
    for (const message of [await attest("a", 0), await attest("b", 1)]) heard.hear(message);
    expect(await heard.equivocations()).toHaveLength(1);
  });

  test("two commitments are one, also when a reveal of somebody else carries them", async () => {
    const heard = book();
    const commits = await Promise.all(
      ["x", "y"].map(async (name) => {
        const commitment = hash(name);
        const typedData = commitTypedData(scope, { requestHash: requestId, commitment });
        const signature = await account.signTypedData(typedData);
        return { kind: "commit", requestId, operatorId: 1, commitment, signature } as const;
      }),
    );
    heard.hear({ kind: "reveal", requestId, operatorId: 2, output: "0x", salt: hash("salt"), commits });
    expect(await heard.equivocations()).toHaveLength(1);
  });

  test("a forgery blames nobody", async () => {
    const heard = book();
    const real = await attest("a", 0);
    heard.hear(real);
    heard.hear({ ...real, outputHash: hash("b") });
    expect(await heard.equivocations()).toEqual([]);
    expect(await heard.signed()).toHaveLength(1);
  });
});
