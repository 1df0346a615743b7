import { encodeClose, encodeDemand, type OpeningDemand, openingDemandId, unpackRequest } from "@sibyl/sdk";
import { type Address, type Hex, isAddressEqual } from "viem";
import { attestationIn, DEMANDABLE, type EvidenceProof, requestWords } from "../core/evidence.ts";
import { opens } from "../core/examine.ts";
import { plannedTransaction } from "../core/plannedTransaction.ts";
import { decideDemand } from "../core/punishmentCost.ts";
import { requestKey } from "../core/request.ts";
import { isSampled } from "../core/sample.ts";
import { useOf } from "../core/verifyEvidence.ts";
import { type CourtDeps, courtKey, isLive, MAX_TRIES, stand } from "./courtDeps.ts";

const LOOK_AGAIN_MS = 15_000;
/** After a commitment was found unopened: its reveal may still be on the way. */
const DEMAND_AFTER_MS = 60_000;
const MAX_ROWS = 64;
const DAY_SECONDS = 86_400;
const BPS = 10_000n;
/** What closing a demand costs at most in gas, with the seats of the operator that is punished. */
const CLOSE_GAS = 500_000n;

/**
 * Demands openings from operators that attested what their commitments did not show us.
 *
 * @returns when to look again, Unix milliseconds.
 */
export async function makeDemands(deps: CourtDeps): Promise<number> {
  const rows = await deps.store.evidence.list({ offences: DEMANDABLE, limit: MAX_ROWS });
  // No court lets more time than a day pass.
  const recent = rows.filter(
    ({ foundAt, operatorId }) => operatorId !== deps.me && deps.now() - foundAt < DAY_SECONDS * 1_000,
  );
  const court = recent.length === 0 ? null : await currentCourt(deps);
  if (court === null) return Number.POSITIVE_INFINITY;
  let next = Number.POSITIVE_INFINITY;
  for (const { id } of recent) {
    const proof = await deps.store.evidence.find(id);
    if (proof !== null) next = Math.min(next, await consider(deps, court, proof));
  }
  return next;
}

async function currentCourt({ stakes }: CourtDeps): Promise<Address | null> {
  for (const court of stakes.courts().toReversed()) if (await stakes.isTrusted(court)) return court;
  return null;
}

async function consider(deps: CourtDeps, court: Address, proof: EvidenceProof): Promise<number> {
  const now = deps.now();
  const again = now + LOOK_AGAIN_MS;
  const { id, operatorId, offence, foundAt } = proof;
  const key = courtKey.demand(id);
  if ((await deps.store.outboxFor(key)).length > 0) return Number.POSITIVE_INFINITY;
  const use = useOf(proof);
  const demand = demandOf(proof);
  if (use.contract !== "OpeningCourt" || demand === null) {
    stand(deps, id, use.contract === null ? `demand/impossible: ${use.why}` : "demand/impossible");
    return Number.POSITIVE_INFINITY;
  }
  if ((await deps.store.evidence.demand(demand.demandId)) !== null) {
    stand(deps, id, `demanded: ${demand.demandId}`);
    return Number.POSITIVE_INFINITY;
  }
  const terms = await deps.stakes.courtTerms(court);
  const latest = unpackRequest(requestWords(proof.request)).openedAt + terms.demandSeconds;
  if (deps.clock.now(now) / 1_000 > latest) {
    stand(deps, id, `demand/too-late: possible until ${latest} (unix seconds)`);
    return Number.POSITIVE_INFINITY;
  }
  if (now < foundAt + DEMAND_AFTER_MS) return foundAt + DEMAND_AFTER_MS;
  const certain = offence === "opened-otherwise";
  const sampled = certain || isSampled(await deps.key.derive("demand sample"), id, deps.policy.demandShare);
  if (!sampled) {
    stand(deps, id, "demand/not-sampled: outside of our share (DEMAND_SHARE)");
    return Number.POSITIVE_INFINITY;
  }
  if (!certain && (await wasOpenedSince(deps, proof))) {
    stand(deps, id, "opened to us meanwhile");
    return Number.POSITIVE_INFINITY;
  }

  const simulation = await deps.submit.simulate(court, use.data, terms.bondWei);
  if (simulation.type === "reverted") {
    stand(deps, id, `demand/refused: ${simulation.message}`);
    return again;
  }
  const [atStakeWei, shares, market, bondsAtRiskWei] = await Promise.all([
    deps.stakes.atStake(operatorId),
    deps.stakes.shares(),
    deps.submit.fees(),
    bondsAtRisk(deps),
  ]);
  const takenWei = (atStakeWei * BigInt(shares.missedOpeningBps)) / BPS;
  const rewardWei = (takenWei * BigInt(shares.reporterBps)) / BPS;
  const gasPrice = market.baseFeePerGas + market.maxPriorityFeePerGas;
  const step = decideDemand({
    bondWei: terms.bondWei,
    bondsAtRiskWei,
    stopLossWei: deps.policy.demandStopLossWei,
    rewardWei,
    costWei: (simulation.gas + CLOSE_GAS) * gasPrice,
    certain,
  });
  if (step.type === "leave") {
    stand(deps, id, step.reason, "warn");
    return again;
  }
  const plan = {
    id: `demand/${id}`,
    key,
    kind: "demand",
    to: court,
    data: use.data,
    value: terms.bondWei,
    gas: simulation.gas,
    // The gas of asking is a part of what the bond puts at risk: never more than the bond again.
    maxFeePerGasCap: terms.bondWei / simulation.gas + 1n,
  } as const;
  await deps.store.insertOutbox(plannedTransaction(plan, now));
  stand(deps, id, `demand planned: ${demand.demandId}`);
  deps.pokeOutbox();
  return again;
}

/** A proof's demand as the court will name it; null for one that lacks a part. */
export function demandOf(proof: EvidenceProof): { demand: OpeningDemand; demandId: Hex } | null {
  const commit = proof.statements.find((statement) => statement.kind === "commit");
  const attested = proof.statements.flatMap((statement) => attestationIn(statement) ?? [])[0];
  if (commit?.kind !== "commit" || attested === undefined) return null;
  const { demand } = encodeDemand({
    oracle: proof.oracle,
    request: requestWords(proof.request),
    operatorId: proof.operatorId,
    commitment: commit.commitment,
    commitSignature: commit.signature,
    attestedHash: attested.outputHash,
    attestedOutput: "0x",
    view: attested.view,
    attestationSignature: attested.signature,
  });
  return { demand, demandId: openingDemandId(demand) };
}

async function wasOpenedSince({ store, scope }: CourtDeps, proof: EvidenceProof): Promise<boolean> {
  const commits = proof.statements.filter((statement) => statement.kind === "commit");
  const heard = await store.peerMessages(requestKey(scope.chainId, scope.oracle, proof.requestId));
  return heard.some(
    ({ message }) => message.kind === "reveal" && commits.some((commit) => opens(message, commit)),
  );
}

/** Bonds of ours that are up, on their way, or were lost within a day, in wei. */
async function bondsAtRisk(deps: CourtDeps): Promise<bigint> {
  const { store, stakes, key } = deps;
  const dayAgo = Math.floor(deps.clock.now(deps.now()) / 1_000) - DAY_SECONDS;
  const ours = (await store.evidence.demands({ states: ["pending", "opened"], limit: 1_000 })).filter(
    ({ demander, state, deadline }) =>
      isAddressEqual(demander, key.address) && (state === "pending" || deadline > dayAgo),
  );
  let sum = 0n;
  for (const { court } of ours) sum += (await stakes.courtTerms(court)).bondWei;
  for (const entry of await store.outbox({ states: ["planned", "signed"] }))
    if (entry.kind === "demand") sum += entry.value;
  return sum;
}

/**
 * Closes our demands that nobody met, so that silence costs.
 *
 * @returns when to look again, Unix milliseconds.
 */
export async function closeDemands(deps: CourtDeps): Promise<number> {
  const now = deps.now();
  const chainNow = deps.clock.now(now);
  let next = Number.POSITIVE_INFINITY;
  for (const { demandId, demander, deadline, court, demand } of await deps.store.evidence.demands({
    states: ["pending"],
    limit: 1_000,
  })) {
    if (!isAddressEqual(demander, deps.key.address)) continue;
    const dueAt = now + (deadline + 1) * 1_000 - chainNow;
    const earlier = await deps.store.outboxFor(courtKey.close(demandId));
    if (dueAt > now || earlier.some(isLive) || earlier.length >= MAX_TRIES) {
      next = Math.min(next, Math.max(dueAt, now + LOOK_AGAIN_MS));
      continue;
    }
    const data = encodeClose(demand);
    const simulation = await deps.submit.simulate(court, data);
    next = Math.min(next, now + LOOK_AGAIN_MS);
    if (simulation.type === "reverted") {
      stand(deps, demandId, `close/refused: ${simulation.message}`);
      continue;
    }
    const { bondWei } = await deps.stakes.courtTerms(court);
    const plan = {
      id: `close/${demandId}/${earlier.length}`,
      key: courtKey.close(demandId),
      kind: "close",
      to: court,
      data,
      gas: simulation.gas,
      // Getting the bond back is worth the bond; the reward comes on top.
      maxFeePerGasCap: bondWei / simulation.gas + 1n,
    } as const;
    await deps.store.insertOutbox(plannedTransaction(plan, now));
    stand(deps, demandId, "closing planned: nobody opened in time");
    deps.pokeOutbox();
  }
  return next;
}
