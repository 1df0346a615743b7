import { encodeSettleBatch, inferenceOracleAbi } from "@sibyl/sdk";
import {
  decodeErrorResult,
  decodeEventLog,
  getAbiItem,
  type Hex,
  isAddressEqual,
  toEventSelector,
} from "viem";
import { batchGas } from "../core/economics.ts";
import { OUTBOX_RULES, type OutboxEntry, type OutboxFees, type OutboxStep } from "../core/outbox.ts";
import { plannedTransaction } from "../core/plannedTransaction.ts";
import type { Store } from "../store/port.ts";
import type { TransactionReceipt } from "../submit/port.ts";
import { broughtBy, heldBy, requestIdOf } from "./batchMembers.ts";
import type { Account, OutboxDeps } from "./outboxDeps.ts";
import { broadcastNewest, reserved, withAttempt } from "./outboxSigning.ts";

/** A settlement that could be signed now, and on what terms. */
export interface DueSettlement {
  entry: OutboxEntry;
  step: Extract<OutboxStep, { type: "sign" }>;
}

/** A settlement that failed once goes alone: whatever was wrong with it must not cost the others. */
export const mayShare = ({ kind, id }: OutboxEntry): boolean => kind === "settle" && id.endsWith("/0");

/**
 * Signs one transaction for several settlements: one nonce, and each entry `batched`, all or nothing.
 *
 * It bids no more than each of them may. Its gas is the sum of theirs: an item that runs out of gas is refused inside and
 * does not show in an estimate of the whole.
 *
 * @returns False when the account cannot take or pay for another transaction as large, or one entry moved on meanwhile.
 */
export async function signBatch(
  deps: OutboxDeps,
  account: Account,
  due: readonly DueSettlement[],
  now: number,
): Promise<boolean> {
  const [first] = due;
  if (first === undefined) return false;
  const cap = due.map(({ step }) => step.cap).reduce(least);
  const gas = batchGas(due.map(({ step }) => step));
  const { maxFeePerGas, maxPriorityFeePerGas } = account.market;
  const bid = least(maxFeePerGas, cap);
  const fees: OutboxFees = {
    maxFeePerGas: bid,
    maxPriorityFeePerGas: least(maxPriorityFeePerGas, bid),
  };
  const { inFlight, availableWei } = reserved(account, null);
  if (inFlight >= (deps.rules ?? OUTBOX_RULES).maxInFlight || availableWei < gas * bid) return false;

  const signed = await deps.store
    .transaction(async (store) => {
      const nonce = await store.nextNonce(account.latestNonce);
      const plan = plannedTransaction(
        {
          id: `settleBatch/${first.entry.key}/${nonce}`,
          key: first.entry.key,
          kind: "settleBatch",
          to: first.entry.to,
          data: encodeSettleBatch(due.map(({ entry }) => entry.data)),
          gas,
          maxFeePerGasCap: cap,
        },
        now,
      );
      const batch = await withAttempt(deps, { ...plan, state: "signed", nonce }, fees, now);
      if (batch === null || !(await store.insertOutbox(batch))) throw new Moved();
      const members = due.map(
        ({ entry }): OutboxEntry => ({
          ...entry,
          state: "batched",
          reason: `in ${batch.id}`,
          updatedAt: now,
        }),
      );
      if ((await store.updateOutboxAll(members, "planned")).includes(false)) throw new Moved();
      return batch;
    })
    .catch((error: unknown) => {
      if (error instanceof Moved) return null;
      throw error;
    });
  if (signed === null) return false;
  account.signed.set(signed.id, signed);
  deps.log.info(
    { id: signed.id, nonce: signed.nonce, settlements: due.length, hash: signed.attempts[0]?.hash },
    "transaction signed",
  );
  await broadcastNewest(deps, signed, now);
  return true;
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Undoes the transaction around it; an entry that was due is no longer what it was. */
class Moved extends Error {}

/**
 * Records what became of a batch, and with it what became of each settlement in it: settled, refused with its reason, or to
 * be sent anew.
 *
 * @param closed The batch as it ended.
 */
export async function closeBatch(
  deps: OutboxDeps,
  entry: OutboxEntry,
  closed: OutboxEntry,
  now: number,
): Promise<void> {
  const { minedTransaction } = closed;
  const receipt = minedTransaction === null ? null : await deps.submit.receipt(minedTransaction);
  const refusals = receipt === null ? new Map<string, string>() : refusalsIn(receipt, entry);
  const members = (await heldBy(deps.store, entry)).map((member): OutboxEntry => {
    if (closed.state !== "mined") return { ...member, state: "planned", reason: null, updatedAt: now };
    const refusal = refusals.get(requestIdOf(member));
    const failure = closed.succeeded === false ? "its batch ran out of gas or reverted" : refusal;
    if (failure !== undefined) deps.log.warn({ id: member.id, reason: failure }, "a settlement was refused");
    return {
      ...member,
      state: "mined",
      minedTransaction,
      minedBlock: closed.minedBlock,
      succeeded: failure === undefined,
      reason: failure ?? null,
      updatedAt: now,
    };
  });
  await deps.store.transaction(async (store) => {
    if (await store.updateOutbox(closed, entry.state)) await store.updateOutboxAll(members, "batched");
  });
}

/** Takes up a batch again whose block is gone, and its settlements with it. */
export async function reopenBatch(store: Store, reopened: OutboxEntry, now: number): Promise<void> {
  await store.transaction(async (inner) => {
    if (!(await inner.updateOutbox(reopened, "mined"))) return;
    const members = (await broughtBy(inner, reopened)).map(
      (member): OutboxEntry => ({
        ...member,
        state: "batched",
        minedTransaction: null,
        minedBlock: null,
        succeeded: null,
        updatedAt: now,
      }),
    );
    await inner.updateOutboxAll(members, "mined");
  });
}

const REFUSED = getAbiItem({ abi: inferenceOracleAbi, name: "SettlementRefused" });
const REFUSED_TOPIC = toEventSelector(REFUSED);

/** Why the oracle refused items of a batch, by request id. */
function refusalsIn({ logs }: TransactionReceipt, { to }: OutboxEntry): Map<string, string> {
  const refusals = new Map<string, string>();
  for (const { address, topics, data } of logs) {
    if (topics[0] !== REFUSED_TOPIC || !isAddressEqual(address, to)) continue;
    try {
      const { args } = decodeEventLog({ abi: [REFUSED], topics: topics as [Hex, ...Hex[]], data });
      refusals.set(args.requestId.toLowerCase(), nameOf(args.reason));
    } catch {
      // A newer oracle may say it in other words, which say nothing here.
    }
  }
  return refusals;
}

function nameOf(reason: Hex): string {
  try {
    const { errorName, args } = decodeErrorResult({ abi: inferenceOracleAbi, data: reason });
    return `refused: ${errorName}(${((args ?? []) as readonly unknown[]).map(String).join(", ")})`;
  } catch {
    return `refused: ${reason.slice(0, 10)}`;
  }
}
