import type { Address, Hex } from "viem";

export interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** A bid that suits the network now, and the base fee that it was made from. */
export interface MarketFees extends Fees {
  /** Wei per gas of the next block. */
  baseFeePerGas: bigint;
}

export interface TransactionPlan extends Fees {
  to: Address;
  data: Hex;
  /** Wei; none when left out. */
  value?: bigint;
  gas: bigint;
  nonce: number;
}

/** Something that a contract logged in a transaction. */
export interface TransactionLog {
  address: Address;
  topics: readonly Hex[];
  data: Hex;
}

export interface TransactionReceipt {
  blockNumber: bigint;
  blockHash: Hex;
  succeeded: boolean;
  gasUsed: bigint;
  effectiveGasPrice: bigint;
  logs: readonly TransactionLog[];
}

/**
 * `reverted` is an expected outcome, not a failure: another operator may have settled first.
 *
 * `gas` is a limit to sign with: the estimate and some room for what changes until the transaction runs.
 * `errorName` is the Solidity error's name, `Error` and `Panic` included; empty when the revert names none that we know.
 */
export type Simulation =
  | { type: "ok"; gas: bigint }
  | { type: "reverted"; errorName: string; message: string };

/**
 * Puts transactions of one account on chain.
 *
 * Implementations: `viemSender`. Deliberately excluded: deciding what to send, nonces and replacements
 * (`core/outbox.ts`) and remembering them (`store`).
 */
export interface TransactionSender {
  readonly address: Address;
  /** @param value Wei that goes with the call; none when left out. */
  simulate(to: Address, data: Hex, value?: bigint): Promise<Simulation>;
  /**
   * What a call would return in the next block; null when it reverts, or the endpoint does not say.
   *
   * @param gas Its limit.
   */
  call(to: Address, data: Hex, gas: bigint): Promise<Hex | null>;
  /** Fees that the network asks for now. */
  fees(): Promise<MarketFees>;
  /** Signs without sending, so that the result can be stored first. */
  sign(plan: TransactionPlan): Promise<{ hash: Hex; raw: Hex }>;
  /** Sends a signed transaction; one that the network already has, or has mined, is not an error. */
  broadcast(raw: Hex): Promise<void>;
  receipt(hash: Hex): Promise<TransactionReceipt | null>;
  /** The account's nonce in the latest block: every lower one is used up. */
  latestNonce(): Promise<number>;
  /** Wei. */
  balance(): Promise<bigint>;
}
