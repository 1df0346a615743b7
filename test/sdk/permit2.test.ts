import { type FeePaymentFields, feePaymentDigest, feePaymentTypedData, type OracleScope } from "@sibyl/sdk";
import type { Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { recoverTypedDataAddress } from "viem/utils";
import { expect, test } from "vitest";
import { readVectors } from "./readVectors.ts";

type Case = OracleScope & Record<keyof FeePaymentFields, string> & { digest: Hex };

const fields = (one: Case) =>
  ({
    ...one,
    amount: BigInt(one.amount),
    nonce: BigInt(one.nonce),
    deadline: BigInt(one.deadline),
  }) as FeePaymentFields & OracleScope;

test.each(readVectors<Case>("feePayment"))("vector: chain $chainId, $amount units", (one) => {
  expect(feePaymentDigest(one, fields(one))).toBe(one.digest);
});

test("fee payment: the signature is the payer's for one account only", async () => {
  const [first] = readVectors<Case>("feePayment") as [Case];
  const payer = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
  const signature = await payer.signTypedData(feePaymentTypedData(first, fields(first)));
  const recover = (account: Hex) =>
    recoverTypedDataAddress({
      ...feePaymentTypedData(first, { ...fields(first), account }),
      signature,
    });
  expect(await recover(first.account as Hex)).toBe(payer.address);
  expect(await recover(first.token as Hex)).not.toBe(payer.address);
});
