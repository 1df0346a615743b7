import { CoprocessorError } from "../core/errors.ts";
import {
  nextOutboxStep,
  OUTBOX_RULES,
  type OutboxAttempt,
  type OutboxEntry,
  type OutboxFees,
  type OutboxRules,
  type OutboxStep,
  type OutboxView,
} from "../core/outbox.ts";
import type { Store } from "../store/port.ts";
import type { Simulation } from "../submit/port.ts";
import { isBatchNeeded } from "./batchMembers.ts";
import type { Account, OutboxDeps } from "./outboxDeps.ts";

/** What the account's other signed transactions take: nonces in flight, and wei if all cost their most. */
export function reserved(
  account: Account,
  except: string | null,
): { inFlight: number; availableWei: bigint } {
  const { latestNonce, signed, beside } = account;
  const own = [...signed.values()].filter(
    ({ id, nonce }) => id !== except && nonce !== null && nonce >= latestNonce,
  );
  const others = beside.filter(({ nonce }) => nonce >= latestNonce);
  const mostWei = [
    ...own.map(({ value, gas, attempts }) => value + gas * (attempts.at(-1)?.maxFeePerGas ?? 0n)),
    ...others.map(({ maxWei }) => maxWei),
  ];
  const reservedWei = mostWei.reduce((sum, wei) => sum + wei, 0n);
  return { inFlight: mostWei.length, availableWei: account.balance - reservedWei };
}

const isInFlight = ({ state, nonce }: OutboxEntry, { latestNonce }: Account): boolean =>
  state === "signed" && nonce !== null && nonce >= latestNonce;

/**
 * Gathers what the next step of an entry depends on.
 *
 * @param simulated How it would end, where that is known.
 */
export async function look(
  deps: OutboxDeps,
  account: Account,
  entry: OutboxEntry,
  simulated?: Simulation,
): Promise<OutboxView> {
  const { submit, economics } = deps;
  const others = reserved(account, entry.id);
  const known = {
    ...others,
    latestNonce: account.latestNonce,
    nextNonce: account.latestNonce,
    market: account.market,
  };
  // Nothing of it is in a block, and it is carried through whether it is needed or not.
  if (isInFlight(entry, account))
    return { ...known, needed: true, simulation: null, receipts: new Map(), worth: null };
  const mayBeSigned = entry.state === "planned" && others.inFlight < (deps.rules ?? OUTBOX_RULES).maxInFlight;
  const [needed, simulation, takings, ...receipts] = await Promise.all([
    entry.kind === "settleBatch" ? isBatchNeeded(deps, entry) : deps.isNeeded(entry.key, entry.kind),
    mayBeSigned ? (simulated ?? submit.simulate(entry.to, entry.data, entry.value)) : null,
    economics && mayBeSigned ? economics.takings(entry) : null,
    ...entry.attempts.map(async ({ hash }) => [hash, await submit.receipt(hash)] as const),
  ]);
  return {
    ...known,
    needed,
    simulation,
    receipts: new Map(receipts.flatMap(([hash, receipt]) => (receipt ? [[hash, receipt] as const] : []))),
    worth: economics && takings ? { takings, minProfitWei: economics.minProfitWei() } : null,
  };
}

/** Decides and signs under the lock that `nextNonce` holds until the transaction ends, so that no nonce is given twice. */
export async function signOrWait(
  deps: OutboxDeps,
  rules: OutboxRules,
  account: Account,
  view: OutboxView,
  entry: OutboxEntry,
  now: number,
): Promise<OutboxStep> {
  const provisional = nextOutboxStep(entry, view, now, rules);
  if (provisional.type !== "sign") return provisional;
  const signed = await deps.store.transaction(async (store) => {
    const nextNonce = await store.nextNonce(view.latestNonce);
    const step = nextOutboxStep(entry, { ...view, nextNonce }, now, rules);
    if (step.type !== "sign") return null;
    const { nonce, gas, fees, cap } = step;
    const target = { ...entry, state: "signed" as const, nonce, gas, maxFeePerGasCap: cap, reason: null };
    return addAttempt(deps, store, entry, target, fees, now);
  });
  if (signed) {
    account.signed.set(signed.id, signed);
    deps.log.info(
      { id: signed.id, nonce: signed.nonce, hash: signed.attempts.at(-1)?.hash },
      "transaction signed",
    );
    await broadcastNewest(deps, signed, now);
  }
  return provisional;
}

/** Signs `target` and stores it in place of `entry`; null when the stored entry has moved on meanwhile. */
export async function addAttempt(
  deps: OutboxDeps,
  store: Store,
  entry: OutboxEntry,
  target: OutboxEntry,
  fees: OutboxFees,
  now: number,
): Promise<OutboxEntry | null> {
  const next = await withAttempt(deps, target, fees, now);
  return next !== null && (await store.updateOutbox(next, entry.state)) ? next : null;
}

/** Signs an entry that has a nonce; null when it has none. */
export async function withAttempt(
  { submit }: OutboxDeps,
  target: OutboxEntry,
  fees: OutboxFees,
  now: number,
): Promise<OutboxEntry | null> {
  const { to, data, value, gas, nonce } = target;
  if (nonce === null) return null;
  const bid = { maxFeePerGas: fees.maxFeePerGas, maxPriorityFeePerGas: fees.maxPriorityFeePerGas };
  const { hash, raw } = await submit.sign({ to, data, value, gas, nonce, ...bid });
  const attempt: OutboxAttempt = { hash, raw, ...bid, signedAt: now, sentAt: 0 };
  return { ...target, attempts: [...target.attempts, attempt], updatedAt: now };
}

export async function broadcastNewest(
  { store, submit, log }: OutboxDeps,
  entry: OutboxEntry,
  now: number,
): Promise<void> {
  const newest = entry.attempts.at(-1);
  if (!newest) return;
  try {
    await submit.broadcast(newest.raw);
  } catch (error) {
    if (!(error instanceof CoprocessorError)) throw error;
    // The next look decides by what the chain says; the time is stored all the same, to keep the pace.
    log.warn(
      { id: entry.id, nonce: entry.nonce, code: error.code, reason: error.message },
      "broadcast failed",
    );
  }
  const attempts = [...entry.attempts.slice(0, -1), { ...newest, sentAt: now }];
  await store.updateOutbox({ ...entry, attempts, updatedAt: now }, "signed");
}
