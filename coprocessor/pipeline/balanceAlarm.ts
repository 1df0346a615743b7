import { type BalanceStanding, balanceStanding, TYPICAL_SETTLEMENT_GAS } from "../core/economics.ts";
import type { Log } from "../observe/port.ts";
import type { Account } from "./outboxDeps.ts";

/** Watches what the attester can still pay for; says it once when it becomes too little, and once when it is enough again. */
export class BalanceAlarm {
  readonly #settlements: () => number;
  readonly #log: Log;
  #standing: (BalanceStanding & { balanceWei: bigint }) | null = null;

  /** @param settlements How many the balance must pay for at today's gas price. */
  constructor(settlements: () => number, log: Log) {
    this.#settlements = settlements;
    this.#log = log;
  }

  observe({ balance, market }: Omit<Account, "signed" | "beside">): void {
    const settlements = this.#settlements();
    const standing = balanceStanding(balance, settlements, TYPICAL_SETTLEMENT_GAS, market.maxFeePerGas);
    const wasLow = this.#standing?.low === true;
    this.#standing = { ...standing, balanceWei: balance };
    const facts = { balanceWei: balance, thresholdWei: standing.thresholdWei, settlements };
    if (standing.low && !wasLow)
      this.#log.warn({ code: "balance/low", ...facts }, "the attester's balance is low; send it coins");
    if (!standing.low && wasLow) this.#log.info(facts, "the attester's balance is enough again");
  }

  /** Null while the balance is enough, or was not read yet. */
  reason(): string | null {
    if (this.#standing === null || !this.#standing.low) return null;
    const { balanceWei, thresholdWei } = this.#standing;
    return `balance/low: the attester has ${balanceWei} wei, ${this.#settlements()} settlements take ${thresholdWei} wei`;
  }

  /** Wei below which the alarm is raised, at the last look. */
  get thresholdWei(): bigint | null {
    return this.#standing?.thresholdWei ?? null;
  }
}
