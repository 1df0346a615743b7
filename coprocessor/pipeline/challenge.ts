import { encodeChallenge, unpackRequest } from "@sibyl/sdk";
import { hasFailed } from "../core/outbox.ts";
import { plannedTransaction } from "../core/plannedTransaction.ts";
import type { RequestRecord } from "../core/request.ts";
import type { WatchRecord } from "../core/watch.ts";
import type { PipelineDeps, Watching } from "./deps.ts";

/** Suspending a proposal, and the dispute's log. */
const CHALLENGE_GAS = 200_000n;
/** Challenges of one proposal that are given up, one after the other; then something is wrong that sending cannot mend. */
const MAX_CHALLENGES = 4;

/**
 * Plans the challenge of a proposal that our second look disagrees with, unless one is under way. One that was given up,
 * because somebody else's came first, is planned anew when a reorg puts the proposal up again.
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
  const data = encodeChallenge(record.request, proposed.proposal);
  const earlier = (await store.outboxFor(key)).filter(({ kind }) => kind === "challenge");
  const same = earlier.filter((entry) => entry.data === data);
  if (same.some((entry) => !hasFailed(entry)) || same.length >= MAX_CHALLENGES) return;

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
        id: `challenge/${key}/${earlier.length}`,
        key,
        kind: "challenge",
        to: arbiter.address,
        data,
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
