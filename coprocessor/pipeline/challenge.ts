import { encodeChallenge, proposalHash, unpackRequest } from "@sibyl/sdk";
import { plannedTransaction } from "../core/plannedTransaction.ts";
import type { RequestRecord } from "../core/request.ts";
import type { WatchRecord } from "../core/watch.ts";
import type { PipelineDeps, Watching } from "./deps.ts";

/** Suspending a proposal, and the dispute's log. */
const CHALLENGE_GAS = 200_000n;

/**
 * Plans the challenge of a proposal that our second look disagrees with, once for each proposal.
 *
 * It is planned also when the account cannot pay the bond: the outbox waits for the money as long as the window runs, and
 * the warning says what is missing.
 */
export async function challengeProposal(
  deps: PipelineDeps & { watch: Watching },
  record: RequestRecord,
  watch: WatchRecord,
): Promise<void> {
  const { store, log, watch: watching } = deps;
  const { key, requestId, proposed } = record;
  const arbiter = deps.arbiterOf(unpackRequest(record.request).arbiterIndex);
  if (proposed === null || arbiter === null || record.state !== "proposed") return;
  const id = `challenge/${key}/${proposalHash(proposed.proposal)}`;
  if ((await store.outboxFor(key)).some((entry) => entry.id === id)) return;

  const now = deps.now();
  const leftMs = watch.windowEndsAt * 1_000 - deps.clock.now(now);
  if (leftMs < watching.marginMs) {
    const reason = `found wrong ${Math.round(leftMs / 1_000)} s before the window's end: too late to challenge`;
    log.error({ code: "watch/too-late", requestId, reason }, "a wrong proposal is not challenged");
    await store.putWatch({
      ...watch,
      state: "skipped",
      reason: `${reason}; ${watch.reason}`,
      updatedAt: now,
    });
    return;
  }
  const { bondWei } = arbiter;
  // A challenge may cost as much gas as it puts up; beyond that, being right is too dear.
  const maxFeePerGasCap = bondWei / CHALLENGE_GAS;
  await store.insertOutbox(
    plannedTransaction(
      {
        id,
        key,
        kind: "challenge",
        to: arbiter.address,
        data: encodeChallenge(record.request, proposed.proposal),
        value: bondWei,
        gas: CHALLENGE_GAS,
        maxFeePerGasCap,
      },
      now,
    ),
  );
  const balanceWei = await watching.balance();
  if (balanceWei < bondWei) {
    const missingWei = (bondWei - balanceWei).toString();
    log.warn(
      { code: "watch/bond-unaffordable", requestId, bondWei: bondWei.toString(), missingWei },
      "the account cannot pay the bond; fund it before the window ends",
    );
  }
  log.info({ requestId, bondWei: bondWei.toString() }, "challenge planned");
  deps.pokeOutbox();
}
