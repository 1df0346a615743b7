import { BATCH_LIMITS, groupDue } from "../core/economics.ts";
import { CoprocessorError } from "../core/errors.ts";
import {
  nextOutboxStep,
  OUTBOX_RULES,
  type OutboxEntry,
  type OutboxRules,
  type OutboxStep,
  type OutboxView,
} from "../core/outbox.ts";
import { closeBatch, type DueSettlement, mayShare, reopenBatch, signBatch } from "./outboxBatch.ts";
import type { Account, OutboxDeps } from "./outboxDeps.ts";
import { addAttempt, broadcastNewest, look, signOrWait } from "./outboxSigning.ts";
import { simulateTogether } from "./simulateTogether.ts";

/** Milliseconds between looks while nothing is owed: a reorg may have undone what was mined. */
const IDLE_MS = 30_000;
const OPEN = ["signed", "planned"] as const;

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

/**
 * `driveOutbox` for who calls it with every block: while nothing is owed, the chain is asked only now and then.
 *
 * @returns what takes the time (Unix milliseconds) and returns when to call again.
 */
export function createOutboxDriver(deps: OutboxDeps): (now: number) => Promise<number> {
  let drivenAt = Number.NEGATIVE_INFINITY;
  return async (now) => {
    const isIdle = now >= drivenAt && now < drivenAt + IDLE_MS;
    if (isIdle && (await deps.store.outbox({ states: OPEN })).length === 0) return drivenAt + IDLE_MS;
    drivenAt = now;
    return driveOutbox(deps, now);
  };
}

async function drive(deps: OutboxDeps, rules: OutboxRules, now: number): Promise<number> {
  const { store, submit } = deps;
  const [latestNonce, market, balance] = await Promise.all([
    submit.latestNonce(),
    submit.fees(),
    submit.balance(),
  ]);
  const beside = await store.nonceHoldersBeside();
  const account: Account = { latestNonce, market, balance, signed: new Map(), beside };
  deps.onAccount?.(account);
  // Lowest nonce first, then what has none: the order in which the chain can take them.
  let entries = await store.outbox({ states: OPEN });
  if (await reopenUndone(deps, account, entries, now)) entries = await store.outbox({ states: OPEN });
  for (const entry of entries) if (entry.state === "signed") account.signed.set(entry.id, entry);
  let nextMs = now + IDLE_MS;
  const due: (DueSettlement & { view: OutboxView })[] = [];
  const simulated = await simulateTogether(deps, account, entries, now);
  for (const entry of entries) {
    const view = await look(deps, account, entry, simulated.get(entry));
    const step = nextOutboxStep(entry, view, now, rules);
    if (step.type === "sign" && deps.economics && mayShare(entry)) due.push({ entry, step, view });
    else nextMs = Math.min(nextMs, await takeStep(deps, rules, account, entry, view, now));
  }
  return Math.min(nextMs, await settleDue(deps, rules, account, due, now));
}

/**
 * Signs settlements that are due, several in one transaction where there are several.
 *
 * @returns when to call again (Unix milliseconds).
 */
async function settleDue(
  deps: OutboxDeps,
  rules: OutboxRules,
  account: Account,
  due: readonly (DueSettlement & { view: OutboxView })[],
  now: number,
): Promise<number> {
  if (due.length === 0) return Number.POSITIVE_INFINITY;
  const windowMs = deps.economics?.batchWindowMs() ?? 0;
  const items = due.map((one) => ({ ...one, gas: one.step.gas, createdAt: one.entry.createdAt }));
  const { groups, waiting, untilMs } = groupDue(items, { ...BATCH_LIMITS, windowMs }, now);
  let nextMs = waiting.length === 0 ? Number.POSITIVE_INFINITY : untilMs;
  for (const [index, group] of groups.entries()) {
    if (group.length > 1 && (await signBatch(deps, account, group, now))) {
      nextMs = Math.min(nextMs, now + rules.rebroadcastAfterMs);
      continue;
    }
    for (const [place, { entry, view }] of group.entries()) {
      // What was signed meanwhile has taken its part of the balance.
      const fresh = index === 0 && place === 0 ? view : await look(deps, account, entry);
      nextMs = Math.min(nextMs, await takeStep(deps, rules, account, entry, fresh, now));
    }
  }
  return nextMs;
}

/** @returns when to look at the entry again. */
async function takeStep(
  deps: OutboxDeps,
  rules: OutboxRules,
  account: Account,
  entry: OutboxEntry,
  view: OutboxView,
  now: number,
): Promise<number> {
  const step =
    entry.state === "planned"
      ? await signOrWait(deps, rules, account, view, entry, now)
      : nextOutboxStep(entry, view, now, rules);
  switch (step.type) {
    case "wait":
      deps.log.debug({ id: entry.id, state: entry.state, reason: step.reason }, "outbox entry waits");
      if (entry.state === "planned") await hold(deps, entry, step.reason, now);
      return step.untilMs;
    case "sign":
      return now + rules.rebroadcastAfterMs;
    case "broadcast":
      await broadcastNewest(deps, entry, now);
      return now + rules.rebroadcastAfterMs;
    case "replace": {
      const replaced = await addAttempt(deps, deps.store, entry, entry, step.fees, now);
      if (replaced) {
        account.signed.set(replaced.id, replaced);
        await broadcastNewest(deps, replaced, now);
      }
      return now + rules.rebroadcastAfterMs;
    }
    case "mined":
    case "replan":
    case "abandon":
      await close(deps, entry, step, now);
      account.signed.delete(entry.id);
      return step.type === "replan" ? now : Number.POSITIVE_INFINITY;
  }
}

/** Stores why an entry waits, once for each kind of reason: the figures in it change with every block. */
async function hold(deps: OutboxDeps, entry: OutboxEntry, reason: string, now: number): Promise<void> {
  const kind = (text: string) => text.replaceAll(/\d+/g, "#");
  if (entry.reason !== null && kind(entry.reason) === kind(reason)) return;
  if (!(await deps.store.updateOutbox({ ...entry, reason, updatedAt: now }, "planned"))) return;
  if (reason.startsWith("settlement/")) deps.log.warn({ id: entry.id, reason }, "a settlement is held back");
  deps.onHeld?.(entry.key);
}

async function close(
  deps: OutboxDeps,
  entry: OutboxEntry,
  step: Extract<OutboxStep, { type: "mined" | "replan" | "abandon" }>,
  now: number,
): Promise<void> {
  const { store, log } = deps;
  const { id, nonce } = entry;
  const record = (closed: OutboxEntry) =>
    entry.kind === "settleBatch"
      ? closeBatch(deps, entry, closed, now)
      : store.updateOutbox(closed, entry.state);
  switch (step.type) {
    case "mined": {
      const { transaction, blockNumber, succeeded } = step;
      await record({
        ...entry,
        state: "mined",
        minedTransaction: transaction,
        minedBlock: blockNumber,
        succeeded,
        updatedAt: now,
      });
      log[succeeded ? "info" : "warn"](
        { id, nonce, transaction, block: String(blockNumber), succeeded },
        "transaction mined",
      );
      return;
    }
    case "replan":
      // A batch is not planned anew but dissolved: its settlements may find other company, or none.
      await record(
        entry.kind === "settleBatch"
          ? { ...entry, state: "abandoned", nonce: null, reason: step.reason, updatedAt: now }
          : { ...entry, state: "planned", nonce: null, attempts: [], reason: step.reason, updatedAt: now },
      );
      log.warn({ id, nonce, reason: step.reason }, "transaction planned anew");
      return;
    case "abandon":
      await record({ ...entry, state: "abandoned", reason: step.reason, updatedAt: now });
      log.info({ id, nonce, reason: step.reason }, "transaction abandoned");
      return;
  }
}

/**
 * Takes up entries again whose block is gone although no reorg was reported: their receipt was read from a block that
 * the follower never saw.
 *
 * @param open Entries that are signed; others do not matter.
 * @returns whether there were any.
 */
async function reopenUndone(
  { store, submit, log }: OutboxDeps,
  { latestNonce, beside }: Account,
  open: readonly OutboxEntry[],
  now: number,
): Promise<boolean> {
  const holders = [...open, ...beside];
  const held = holders.filter(({ nonce }) => nonce !== null && nonce >= latestNonce).length;
  // All nonces from the latest to the highest that was ever given are held: nothing is missing.
  if ((await store.nextNonce(latestNonce)) <= latestNonce + held) return false;
  let found = false;
  for (const entry of await store.outbox({ states: ["mined"] })) {
    if (entry.nonce === null || entry.nonce < latestNonce || entry.minedTransaction === null) continue;
    if ((await submit.receipt(entry.minedTransaction)) !== null) continue;
    log.warn(
      { id: entry.id, nonce: entry.nonce, transaction: entry.minedTransaction },
      "a mined transaction was undone",
    );
    const reopened: OutboxEntry = {
      ...entry,
      state: "signed",
      minedTransaction: null,
      minedBlock: null,
      succeeded: null,
      updatedAt: now,
    };
    if (entry.kind === "settleBatch") await reopenBatch(store, reopened, now);
    else await store.updateOutbox(reopened, "mined");
    found = true;
  }
  return found;
}
