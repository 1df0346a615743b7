import type { Config } from "../config.ts";
import { isCourtKind } from "../core/outbox.ts";
import type { BalanceAlarm } from "../pipeline/balanceAlarm.ts";
import { isCourtNeeded } from "../pipeline/court.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import { isNeeded } from "../pipeline/isNeeded.ts";
import { type Loop, startLoop } from "../pipeline/loop.ts";
import { createOutboxDriver } from "../pipeline/outbox.ts";
import type { TransactionSender } from "../submit/port.ts";
import { outboxEconomics } from "./outboxEconomics.ts";

/** Settlements come in bursts, soon after their requests' block: this long they gather, and share a transaction. */
const REST_MS = 100;

/**
 * Starts to send what this node owes the chain.
 *
 * @param of.onTurn Called with each look at it, also with one that failed.
 */
export function startOutbox(
  deps: PipelineDeps,
  of: { live: { current: Config }; submit: TransactionSender; balanceAlarm: BalanceAlarm; onTurn(): void },
): Loop {
  const { store, log, clock } = deps;
  const driveOutbox = createOutboxDriver({
    store,
    submit: of.submit,
    log,
    economics: outboxEconomics(of.live, store, clock),
    onHeld: (key) => deps.wake(key),
    onAccount: (account) => of.balanceAlarm.observe(account),
    isNeeded: (key, kind) => (isCourtKind(kind) ? isCourtNeeded(deps, key, kind) : isNeeded(deps, key, kind)),
  });
  const drive = () => {
    of.onTurn();
    return driveOutbox(Date.now());
  };
  return startLoop("outbox", log, Date.now, drive, REST_MS);
}
