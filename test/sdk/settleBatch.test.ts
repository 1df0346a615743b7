import {
  encodeFinalize,
  encodeSettle,
  encodeSettleBatch,
  requestId,
  requestsInBatch,
  WrongFunctionError,
} from "@sibyl/sdk";
import { type Hex, keccak256, stringToHex, zeroAddress } from "viem";
import { describe, expect, test } from "vitest";

const words = (label: string) => ({
  modelId: keccak256(stringToHex("model")),
  inputHash: keccak256(stringToHex(label)),
  terms: 1n,
  opening: 2n,
  funds: 3n,
});
const settlement = (label: string): Hex => encodeSettle(words(label), "0x01", 0, []);

describe("encodeSettleBatch", () => {
  test("a batch: brings the settlements' requests in their order", () => {
    const batch = encodeSettleBatch([settlement("b"), settlement("a")]);
    expect(requestsInBatch(batch)).toEqual([requestId(words("b")), requestId(words("a"))]);
  });

  test("calldata of another function: is refused by its name, in and out", () => {
    const proposal = {
      outputHash: keccak256("0x01"),
      signers: 0n,
      submitterId: 1,
      proposedAt: 1,
      gasOwed: 0n,
      submitter: zeroAddress,
    };
    const finalization = encodeFinalize(words("a"), proposal, "0x01");
    for (const work of [
      () => encodeSettleBatch([settlement("a"), finalization]),
      () => requestsInBatch(settlement("a")),
    ])
      expect(work).toThrow(WrongFunctionError);
    expect(() => requestsInBatch(settlement("a"))).toThrow("settle");
  });
});
