import { type Address, type Hex, hashTypedData } from "viem";
import type { OracleScope } from "./eip712.ts";

/** Uniswap's Permit2, at the same address on every chain that has it. */
export const PERMIT2_ADDRESS: Address = "0x000000000022D473030F116dDEE9F6B43aC78BA3";

/** A payment of fees in tokens that its payer signs, and anybody may submit. */
export interface FeePaymentFields {
  /** Whose credit the tokens become: the consumer that asks. */
  account: Address;
  /** A token that the oracle lists; the payer has approved Permit2 for it. */
  token: Address;
  /** Token units, all of which are moved. */
  amount: bigint;
  /** Any number that the payer has not used with Permit2. */
  nonce: bigint;
  /** Unix seconds until which the signature counts. */
  deadline: bigint;
}

export const FEE_PAYMENT_TYPES = {
  PermitWitnessTransferFrom: [
    { name: "permitted", type: "TokenPermissions" },
    { name: "spender", type: "address" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
    { name: "witness", type: "FeePayment" },
  ],
  TokenPermissions: [
    { name: "token", type: "address" },
    { name: "amount", type: "uint256" },
  ],
  FeePayment: [{ name: "account", type: "address" }],
} as const;

/** Typed data of a fee payment, for `requestPaidThroughPermit2` and `depositTokenWithPermit2`, ready for `account.signTypedData`. */
export function feePaymentTypedData({ chainId, oracle }: OracleScope, payment: FeePaymentFields) {
  const { account, token, amount, nonce, deadline } = payment;
  return {
    domain: { name: "Permit2", chainId, verifyingContract: PERMIT2_ADDRESS },
    types: FEE_PAYMENT_TYPES,
    primaryType: "PermitWitnessTransferFrom",
    message: { permitted: { token, amount }, spender: oracle, nonce, deadline, witness: { account } },
  } as const;
}

/** The 32 bytes that a fee payment's signature is over. */
export function feePaymentDigest(scope: OracleScope, payment: FeePaymentFields): Hex {
  return hashTypedData(feePaymentTypedData(scope, payment));
}
