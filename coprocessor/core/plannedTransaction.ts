import type { OutboxEntry } from "./outbox.ts";

/** What whoever plans a transaction decides about it. */
export type TransactionPlan = Pick<
  OutboxEntry,
  "id" | "key" | "kind" | "to" | "data" | "gas" | "maxFeePerGasCap"
> & {
  /** Wei; none when left out. */
  value?: bigint;
};

/**
 * An outbox entry as it begins: to be sent, no nonce yet.
 *
 * @param now Unix milliseconds
 */
export function plannedTransaction(plan: TransactionPlan, now: number): OutboxEntry {
  return {
    ...plan,
    value: plan.value ?? 0n,
    state: "planned",
    nonce: null,
    attempts: [],
    minedTransaction: null,
    minedBlock: null,
    succeeded: null,
    reason: null,
    createdAt: now,
    updatedAt: now,
  };
}

const FIXED_GAS = 150_000;
const GAS_PER_OUTPUT_BYTE = 64;

/**
 * Gas to send with a transaction that hands an output to its consumer: enough for the 63/64 check in front of an exact
 * callback. An upper bound; what is not used costs nothing.
 *
 * @param gasPerSigner What each signer adds: its payout, and its signature where one is checked.
 */
export function concludingGas(of: {
  callbackGasLimit: number;
  signers: number;
  gasPerSigner: number;
  outputBytes: number;
}): bigint {
  const callback = Math.ceil((of.callbackGasLimit * 64) / 63);
  return BigInt(FIXED_GAS + of.gasPerSigner * of.signers + GAS_PER_OUTPUT_BYTE * of.outputBytes + callback);
}
