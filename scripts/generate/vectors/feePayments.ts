import { feePaymentDigest } from "@sibyl/sdk";
import { getAddress } from "viem";
import { address } from "./draw.ts";

/** Digests of what payers sign for Permit2. */
export function feePaymentVectors(): Record<string, object> {
  const amounts = [0n, 15_000_000n, (1n << 256n) - 1n];
  const cases = amounts.map((amount, index) => {
    const scope = {
      chainId: [31_337, 1, 8_453][index] as number,
      oracle: getAddress(address(`oracle ${index}`)),
    };
    const payment = {
      account: getAddress(address(`consumer ${index}`)),
      token: getAddress(address(`token ${index}`)),
      amount,
      nonce: BigInt(index) << 200n,
      deadline: 1_800_000_000n + BigInt(index),
    };
    return { ...scope, ...payment, digest: feePaymentDigest(scope, payment) };
  });
  return { feePayment: { cases } };
}
