import { encodeSettleBatch, inferenceOracleAbi } from "@sibyl/sdk";
import { BaseError, decodeFunctionResult, type Hex, size } from "viem";
import { BATCH_LIMITS, batchGas, groupDue, repaidGas } from "../core/economics.ts";
import { OUTBOX_RULES, type OutboxEntry } from "../core/outbox.ts";
import type { Simulation } from "../submit/port.ts";
import { mayShare } from "./outboxBatch.ts";
import type { Account, OutboxDeps } from "./outboxDeps.ts";
import { reserved } from "./outboxSigning.ts";

const SETTLED: Hex = "0x00000000";

/**
 * How settlements would end that may share a transaction: one call for up to `BATCH_LIMITS.maxItems` of them.
 *
 * An estimate of each would have an endpoint run it several times over, on top of what waits for the next block. It is
 * needed where it matters how much exactly a settlement uses (`repaidGas`); each was planned with gas that is enough.
 *
 * @returns by entry; without those that are refused or need an estimate, which are to be looked at alone.
 */
export async function simulateTogether(
  deps: OutboxDeps,
  account: Account,
  entries: readonly OutboxEntry[],
  now: number,
): Promise<ReadonlyMap<OutboxEntry, Simulation>> {
  const simulated = new Map<OutboxEntry, Simulation>();
  const { maxInFlight } = deps.rules ?? OUTBOX_RULES;
  if (reserved(account, null).inFlight >= maxInFlight) return simulated;
  const repaid = new Map<OutboxEntry, bigint>();
  for (const entry of entries) {
    const gas = await gasIfRepaid(deps, account, entry, now);
    if (gas !== null) repaid.set(entry, gas);
  }
  const { groups } = groupDue([...repaid.keys()], { ...BATCH_LIMITS, windowMs: 0 }, now);
  for (const group of groups) {
    const [first] = group;
    if (first === undefined || group.length === 1) continue;
    const data = encodeSettleBatch(group.map((entry) => entry.data));
    const results = resultsIn(await deps.submit.call(first.to, data, batchGas(group)));
    for (const [place, entry] of group.entries())
      if (results[place] === SETTLED) simulated.set(entry, { type: "ok", gas: repaid.get(entry) as bigint });
  }
  return simulated;
}

/** Null where its exact use matters, or it goes alone, or is owed no more. */
async function gasIfRepaid(
  { isNeeded, economics }: OutboxDeps,
  { market }: Account,
  entry: OutboxEntry,
  now: number,
): Promise<bigint | null> {
  if (entry.state !== "planned" || !mayShare(entry) || !(await isNeeded(entry.key, "settle"))) return null;
  const takings = (await economics?.takings(entry)) ?? null;
  if (takings === null) return null;
  const cheapest = market.baseFeePerGas + market.maxPriorityFeePerGas;
  const gas = repaidGas(takings, size(entry.data), cheapest, now);
  // What it was planned with is a bound as well.
  return gas === null || gas < entry.gas ? gas : entry.gas;
}

/** For each item of a batch zero, or why it was refused; nothing when the call did not come to its end. */
function resultsIn(returned: Hex | null): readonly Hex[] {
  if (returned === null) return [];
  try {
    return decodeFunctionResult({ abi: inferenceOracleAbi, functionName: "settleBatch", data: returned });
  } catch (error) {
    if (error instanceof BaseError) return [];
    throw error;
  }
}
