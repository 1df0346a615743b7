import type { EvidenceProof, EvidenceSummary } from "../core/evidence.ts";
import { plannedTransaction } from "../core/plannedTransaction.ts";
import { decideReport } from "../core/punishmentCost.ts";
import { requestKey } from "../core/request.ts";
import { useOf } from "../core/verifyEvidence.ts";
import { settleDelay } from "./advance.ts";
import { loadContext } from "./context.ts";
import { type CourtDeps, courtKey, isLive, MAX_TRIES, stand } from "./courtDeps.ts";

/** Milliseconds until a report that does not pay, or whose turn it is not, is looked at again at the latest. */
const LOOK_AGAIN_MS = 15_000;
const BPS = 10_000n;

/**
 * Reports equivocations that the registry judges, each operator once: its first proof takes all its stake.
 *
 * @returns when to look again, Unix milliseconds.
 */
export async function reportEquivocations(deps: CourtDeps): Promise<number> {
  let next = Number.POSITIVE_INFINITY;
  for (const summary of await deps.store.evidence.reportable()) {
    // Somebody else has our key. The owner has to know, and reporting it would cost the stake.
    if (summary.operatorId === deps.me) {
      stand(deps, summary.id, `report/ourselves: our own key equivocated: ${summary.fact}`, "error");
    } else next = Math.min(next, await report(deps, summary));
  }
  return next;
}

async function report(deps: CourtDeps, { id, operatorId }: EvidenceSummary): Promise<number> {
  const now = deps.now();
  const again = now + LOOK_AGAIN_MS;
  const key = courtKey.report(id);
  const earlier = await deps.store.outboxFor(key);
  if (earlier.some(isLive)) {
    stand(deps, id, "report sent");
    return again;
  }
  if (earlier.length >= MAX_TRIES) {
    stand(deps, id, `report/failed: ${earlier.at(-1)?.reason ?? "the transaction reverted"}`, "warn");
    return Number.POSITIVE_INFINITY;
  }
  const proof = await deps.store.evidence.find(id);
  if (proof === null) return again;
  const dueAt = proof.foundAt + (await placeOf(deps, proof)) * settleDelay(deps);
  if (now < dueAt) {
    stand(deps, id, "another operator's turn to report");
    return dueAt;
  }
  const use = useOf(proof);
  if (use.contract !== "OperatorRegistry") return again;

  const { registry } = deps.stakes;
  const simulation = await deps.submit.simulate(registry, use.data);
  if (simulation.type === "reverted") {
    // Another reporter came first: its event is on the way, and it has done our work.
    const slashed = simulation.errorName === "OperatorSlashed";
    stand(deps, id, slashed ? "reported by another" : `report/refused: ${simulation.message}`);
    return again;
  }
  const [atStakeWei, { reporterBps }, market] = await Promise.all([
    deps.stakes.atStake(operatorId),
    deps.stakes.shares(),
    deps.submit.fees(),
  ]);
  const step = decideReport({
    policy: deps.policy.report,
    stopLossWei: deps.policy.reportStopLossWei,
    rewardWei: (atStakeWei * BigInt(reporterBps)) / BPS,
    gas: simulation.gas,
    gasPrice: market.baseFeePerGas + market.maxPriorityFeePerGas,
  });
  if (step.type === "leave") {
    stand(deps, id, step.reason, step.final ? "info" : "warn");
    return step.final ? Number.POSITIVE_INFINITY : again;
  }
  const plan = {
    id: `report/${id}/${earlier.length}`,
    key,
    kind: "report",
    to: registry,
    data: use.data,
    gas: simulation.gas,
    maxFeePerGasCap: step.maxFeePerGasCap,
  } as const;
  await deps.store.insertOutbox(plannedTransaction(plan, now));
  stand(deps, id, "report planned");
  deps.pokeOutbox();
  return again;
}

/** The lowest ticket reports first: the others would pay for a transaction that reverts. */
async function placeOf(deps: CourtDeps, { requestId, operatorId }: EvidenceProof): Promise<number> {
  const record = await deps.store.request(requestKey(deps.scope.chainId, deps.scope.oracle, requestId));
  if (record === null) return 0;
  const { candidates } = await loadContext(deps, record);
  const others = candidates.filter((candidate) => candidate.operatorId !== operatorId);
  return Math.max(
    0,
    others.findIndex((candidate) => candidate.operatorId === deps.me),
  );
}
