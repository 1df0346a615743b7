import { CoprocessorError } from "../core/errors.ts";
import {
  nextOutboxStep,
  OUTBOX_RULES,
  type OutboxAttempt,
  type OutboxEntry,
  type OutboxFees,
  type OutboxKind,
  type OutboxRules,
  type OutboxStep,
  type OutboxView,
} from "../core/outbox.ts";
import type { RequestKey } from "../core/request.ts";
import type { Log } from "../observe/port.ts";
import type { Store } from "../store/port.ts";
import type { TransactionSender } from "../submit/port.ts";

export interface OutboxDeps {
  store: Store;
  submit: TransactionSender;
  log: Log;
  /** Whether our row says that a transaction of this kind can still matter. */
  isNeeded(key: RequestKey, kind: OutboxKind): Promise<boolean>;
  rules?: OutboxRules;
}

/** The account's standing, read once for all entries of one drive. */
interface Account {
  latestNonce: number;
  market: OutboxView["market"];
  balance: bigint;
}

/** Milliseconds between looks while nothing is owed: a reorg may have undone what was mined. */
const IDLE_MS = 30_000;

/**
 * Takes every outbox entry one step further: reads the chain, asks `nextOutboxStep`, stores, then acts.
 *
 * One at a time per account; a crash between any two lines only repeats a broadcast. A dead RPC is logged and tried
 * again with the next call.
 *
 * @param now Unix milliseconds
 * @returns when to call again (Unix milliseconds), earlier whenever something was planned.
 */
export async function driveOutbox(deps: OutboxDeps, now: number): Promise<number> {
  const rules = deps.rules ?? OUTBOX_RULES;
  try {
    return await drive(deps, rules, now);
  } catch (error) {
    if (!(error instanceof CoprocessorError) || error.retry === "never") throw error;
    deps.log.warn(
      { code: error.code, reason: error.message },
      "the outbox could not be driven; trying again",
    );
    return now + rules.retryAfterMs;
  }
}

async function drive(deps: OutboxDeps, rules: OutboxRules, now: number): Promise<number> {
  const { store, submit } = deps;
  const [latestNonce, market, balance] = await Promise.all([
    submit.latestNonce(),
    submit.fees(),
    submit.balance(),
  ]);
  const account: Account = { latestNonce, market, balance };
  await reopenUndone(deps, latestNonce, now);

  // Lowest nonce first, then what has none: the order in which the chain can take them.
  const entries = await store.outbox({ states: ["signed", "planned"] });
  let nextMs = now + IDLE_MS;
  for (const entry of entries) {
    const untilMs = await takeStep(deps, rules, account, entry, now);
    nextMs = Math.min(nextMs, untilMs);
  }
  return nextMs;
}

/** @returns when to look at the entry again. */
async function takeStep(
  deps: OutboxDeps,
  rules: OutboxRules,
  account: Account,
  entry: OutboxEntry,
  now: number,
): Promise<number> {
  const view = await look(deps, account, entry);
  const step =
    entry.state === "planned"
      ? await signOrWait(deps, rules, view, entry, now)
      : nextOutboxStep(entry, view, now, rules);
  switch (step.type) {
    case "wait":
      deps.log.debug({ id: entry.id, state: entry.state, reason: step.reason }, "outbox entry waits");
      return step.untilMs;
    case "sign":
      return now + rules.rebroadcastAfterMs;
    case "broadcast":
      await broadcastNewest(deps, entry, now);
      return now + rules.rebroadcastAfterMs;
    case "replace": {
      const replaced = await addAttempt(deps, deps.store, entry, entry, step.fees, now);
      if (replaced) await broadcastNewest(deps, replaced, now);
      return now + rules.rebroadcastAfterMs;
    }
    case "mined":
    case "replan":
    case "abandon":
      await close(deps, entry, step, now);
      return step.type === "replan" ? now : Number.POSITIVE_INFINITY;
  }
}

async function look(deps: OutboxDeps, account: Account, entry: OutboxEntry): Promise<OutboxView> {
  const { store, submit } = deps;
  const others = (await store.outbox({ states: ["signed"] })).filter(
    ({ id, nonce }) => id !== entry.id && nonce !== null && nonce >= account.latestNonce,
  );
  const reservedWei = others.reduce(
    (sum, other) => sum + other.value + other.gas * (other.attempts.at(-1)?.maxFeePerGas ?? 0n),
    0n,
  );
  const mayBeSigned = entry.state === "planned" && others.length < (deps.rules ?? OUTBOX_RULES).maxInFlight;
  const [needed, simulation, ...receipts] = await Promise.all([
    deps.isNeeded(entry.key, entry.kind),
    mayBeSigned ? submit.simulate(entry.to, entry.data, entry.value) : null,
    ...entry.attempts.map(async ({ hash }) => [hash, await submit.receipt(hash)] as const),
  ]);
  return {
    needed,
    simulation,
    latestNonce: account.latestNonce,
    nextNonce: account.latestNonce,
    market: account.market,
    receipts: new Map(receipts.flatMap(([hash, receipt]) => (receipt ? [[hash, receipt] as const] : []))),
    availableWei: account.balance - reservedWei,
    inFlight: others.length,
  };
}

/** Decides and signs under the lock that `nextNonce` holds until the transaction ends, so that no nonce is given twice. */
async function signOrWait(
  deps: OutboxDeps,
  rules: OutboxRules,
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
    const { nonce, gas, fees } = step;
    return addAttempt(deps, store, entry, { ...entry, state: "signed", nonce, gas }, fees, now);
  });
  if (signed) {
    deps.log.info(
      { id: signed.id, nonce: signed.nonce, hash: signed.attempts.at(-1)?.hash },
      "transaction signed",
    );
    await broadcastNewest(deps, signed, now);
  }
  return provisional;
}

/** Signs `target` and stores it in place of `entry`; null when the stored entry has moved on meanwhile. */
async function addAttempt(
  { submit }: OutboxDeps,
  store: Store,
  entry: OutboxEntry,
  target: OutboxEntry,
  fees: OutboxFees,
  now: number,
): Promise<OutboxEntry | null> {
  const { to, data, value, gas, nonce } = target;
  if (nonce === null) return null;
  const bid = { maxFeePerGas: fees.maxFeePerGas, maxPriorityFeePerGas: fees.maxPriorityFeePerGas };
  const { hash, raw } = await submit.sign({ to, data, value, gas, nonce, ...bid });
  const attempt: OutboxAttempt = { hash, raw, ...bid, signedAt: now, sentAt: 0 };
  const next: OutboxEntry = { ...target, attempts: [...target.attempts, attempt], updatedAt: now };
  return (await store.updateOutbox(next, entry.state)) ? next : null;
}

async function broadcastNewest(
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

async function close(
  { store, log }: OutboxDeps,
  entry: OutboxEntry,
  step: Extract<OutboxStep, { type: "mined" | "replan" | "abandon" }>,
  now: number,
): Promise<void> {
  const { id, nonce } = entry;
  switch (step.type) {
    case "mined": {
      const { transaction, blockNumber, succeeded } = step;
      await store.updateOutbox(
        {
          ...entry,
          state: "mined",
          minedTransaction: transaction,
          minedBlock: blockNumber,
          succeeded,
          updatedAt: now,
        },
        entry.state,
      );
      log[succeeded ? "info" : "warn"](
        { id, nonce, transaction, block: String(blockNumber), succeeded },
        "transaction mined",
      );
      return;
    }
    case "replan":
      await store.updateOutbox(
        { ...entry, state: "planned", nonce: null, attempts: [], reason: step.reason, updatedAt: now },
        entry.state,
      );
      log.warn({ id, nonce, reason: step.reason }, "transaction planned anew");
      return;
    case "abandon":
      await store.updateOutbox(
        { ...entry, state: "abandoned", reason: step.reason, updatedAt: now },
        entry.state,
      );
      log.info({ id, nonce, reason: step.reason }, "transaction abandoned");
      return;
  }
}

/**
 * Takes up entries again whose block is gone although no reorg was reported: their receipt was read from a block that
 * the follower never saw.
 */
async function reopenUndone(
  { store, submit, log }: OutboxDeps,
  latestNonce: number,
  now: number,
): Promise<void> {
  const signed = await store.outbox({ states: ["signed"] });
  const held = signed.filter(({ nonce }) => nonce !== null && nonce >= latestNonce).length;
  // All nonces from the latest to the highest that was ever given are held: nothing is missing.
  if ((await store.nextNonce(latestNonce)) <= latestNonce + held) return;
  for (const entry of await store.outbox({ states: ["mined"] })) {
    if (entry.nonce === null || entry.nonce < latestNonce || entry.minedTransaction === null) continue;
    if ((await submit.receipt(entry.minedTransaction)) !== null) continue;
    log.warn(
      { id: entry.id, nonce: entry.nonce, transaction: entry.minedTransaction },
      "a mined transaction was undone",
    );
    await store.updateOutbox(
      {
        ...entry,
        state: "signed",
        minedTransaction: null,
        minedBlock: null,
        succeeded: null,
        updatedAt: now,
      },
      "mined",
    );
  }
}
