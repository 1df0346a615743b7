import { encodeLapse } from "@sibyl/sdk";
import { isAddressEqual } from "viem";
import { hasFailed } from "../core/outbox.ts";
import { plannedTransaction } from "../core/plannedTransaction.ts";
import type { RequestRecord } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/** Refunding a request and telling its consumer. */
const LAPSE_GAS = 400_000n;
/** Milliseconds until a lapse that failed is sent again; doubled each time. */
const RETRY_MS = 30_000;

/**
 * Ends a dispute that nobody decided in time, when it was we who challenged: our bond comes back with it.
 *
 * Nobody else sends it. The contract repays no gas for it, so anybody but the challenger would pay for the others.
 */
export async function lapseWhenDue(deps: PipelineDeps, record: RequestRecord): Promise<void> {
  const { key, dispute: disputed, deadline, verdict } = record;
  if (disputed === null || verdict !== null) return;
  if (!isAddressEqual(disputed.dispute.challenger, deps.key.address)) return;
  const now = deps.now();
  const waitMs = (deadline + 1) * 1_000 - deps.clock.now(now);
  if (waitMs > 0) return deps.wake(key, now + waitMs);

  const earlier = (await deps.store.outboxFor(key)).filter(({ kind }) => kind === "lapse");
  const last = earlier.at(-1);
  if (last !== undefined) {
    if (!hasFailed(last)) return;
    const retryAt = last.updatedAt + RETRY_MS * 2 ** (earlier.length - 1);
    if (now < retryAt) return deps.wake(key, retryAt);
  }
  const bondWei = deps.arbiterOf(disputed.arbiter)?.bondWei ?? 0n;
  await deps.store.insertOutbox(
    plannedTransaction(
      {
        id: `lapse/${key}/${earlier.length}`,
        key,
        kind: "lapse",
        to: disputed.arbiter,
        data: encodeLapse(record.request, disputed.dispute),
        gas: LAPSE_GAS,
        // Beyond this it costs more than it brings back.
        maxFeePerGasCap: bondWei / LAPSE_GAS,
      },
      now,
    ),
  );
  deps.log.info({ disputeId: record.requestId, requestId: disputed.requestId }, "lapse planned");
  deps.pokeOutbox();
}
