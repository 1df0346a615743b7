import { encodeOpen } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import { type Hex, size } from "viem";
import { type DemandRecord, decideOpening } from "../core/opening.ts";
import { plannedTransaction } from "../core/plannedTransaction.ts";
import { type RequestKey, type RequestRecord, requestKey } from "../core/request.ts";
import type { JobOutcome } from "../queue/port.ts";
import { type CourtDeps, courtKey, isLive, MAX_TRIES, stand } from "./courtDeps.ts";
import { comparisonOf } from "./examineClosed.ts";
import { saltFor } from "./saltFor.ts";

const LOOK_AGAIN_MS = 15_000;
/** A demand counts until somebody closes it, so the model gets this long even when the deadline is near. */
const LEAST_RUN_MS = 10 * 60_000;
const MAX_DEMANDS = 256;
const BPS = 10_000n;
const FIXED_GAS = 150_000n;
const GAS_PER_BYTE = 40n;

const JOB_PREFIX = "opening-";
const jobKey = (demandId: Hex) => `${JOB_PREFIX}${demandId}`;

/** The demand that a job recomputes an output for; null for a job of a request. */
export const demandOfJob = (key: RequestKey): Hex | null =>
  key.startsWith(JOB_PREFIX) ? (key.slice(JOB_PREFIX.length) as Hex) : null;

/**
 * Opens our commitments where that is demanded. The salt follows from the key, so all that can be lost is the output, and
 * that is computed again.
 *
 * @returns when to look again, Unix milliseconds.
 */
export async function answerDemands(deps: CourtDeps): Promise<number> {
  const pending = await deps.store.evidence.demands({ states: ["pending"], limit: MAX_DEMANDS });
  const ours = pending.filter(({ demand }) => demand.operatorId === deps.me);
  for (const record of ours) if (record.parkedReason === null) await answer(deps, record);
  return ours.length === 0 ? Number.POSITIVE_INFINITY : deps.now() + LOOK_AGAIN_MS;
}

async function answer(deps: CourtDeps, record: DemandRecord): Promise<void> {
  const { demandId, demand } = record;
  const earlier = await deps.store.outboxFor(courtKey.open(demandId));
  if (earlier.some(isLive)) return stand(deps, demandId, "opening sent");
  if (earlier.length >= MAX_TRIES) {
    const fact = earlier.at(-1)?.reason ?? "the transaction reverted";
    return parkDemand(deps, demandId, `opening/failed: ${earlier.length} times: ${fact}`);
  }
  const { chainId, oracle } = deps.scope;
  const request = await deps.store.request(requestKey(chainId, oracle, demand.requestId));
  if (request === null) {
    const reason = `opening/request-unknown: request ${demand.requestId} is not in our rows; is START_BLOCK too late?`;
    return stand(deps, demandId, reason, "error");
  }
  const output = request.output ?? record.output;
  const step = decideOpening({
    demand,
    output,
    salt: await saltFor(deps, demand.requestId),
    attestedOutput: await attestedOutput(deps, request, demand.attestedHash),
    comparison: await comparisonOf(deps, request),
  });
  switch (step.type) {
    case "recompute":
      return recompute(deps, record, request);
    case "park":
      return parkDemand(deps, demandId, step.reason);
    case "open":
      return open(deps, record, step, earlier.length);
  }
}

/** Bytes of what we attested: what the chain took, or what was proposed to us. */
async function attestedOutput(
  { store }: CourtDeps,
  request: RequestRecord,
  attestedHash: Hex,
): Promise<Hex | undefined> {
  const heard = (await store.peerMessages(request.key)).flatMap(({ message }) =>
    "output" in message ? [message.output] : [],
  );
  return [request.settledOutput, request.proposed?.output, ...heard].find(
    (output): output is Hex => typeof output === "string" && keccak256(output) === attestedHash,
  );
}

async function recompute(deps: CourtDeps, record: DemandRecord, request: RequestRecord): Promise<void> {
  const { demandId, deadline } = record;
  const { modelId } = request.request;
  const manifestURI = (await deps.store.model(modelId))?.manifestURI ?? "";
  const deadlineMs = Math.max(deadline * 1_000, deps.now() + LEAST_RUN_MS);
  await deps.queue.add({
    version: 1,
    key: jobKey(demandId),
    modelId,
    manifestURI,
    input: request.input,
    deadlineMs,
  });
  stand(deps, demandId, "our output is lost; the model runs again");
}

/** Takes in what running the model again gave; whether it opens the commitment is looked at before anything is sent. */
export async function onRecomputed(deps: CourtDeps, demandId: Hex, outcome: JobOutcome): Promise<void> {
  if (outcome.status === "done") await deps.store.evidence.noteDemand(demandId, { output: outcome.output });
  else await parkDemand(deps, demandId, `opening/not-recomputed: ${outcome.code}: ${outcome.message}`);
  await deps.queue.remove(jobKey(demandId));
  deps.pokeCourt();
}

async function open(
  deps: CourtDeps,
  { demandId, court, demand }: DemandRecord,
  { output, attestedOutput }: { output: Hex; attestedOutput: Hex },
  count: number,
): Promise<void> {
  const data = encodeOpen(demand, output, await saltFor(deps, demand.requestId), attestedOutput);
  const [{ bondWei }, { missedOpeningBps }, atStakeWei] = await Promise.all([
    deps.stakes.courtTerms(court),
    deps.stakes.shares(),
    deps.stakes.atStake(deps.me),
  ]);
  const gas = FIXED_GAS + GAS_PER_BYTE * BigInt(size(data));
  // More than silence costs is never bid.
  const worthWei = bondWei + (atStakeWei * BigInt(missedOpeningBps)) / BPS;
  const plan = {
    id: `open/${demandId}/${count}`,
    key: courtKey.open(demandId),
    kind: "open",
    to: court,
    data,
    gas,
    maxFeePerGasCap: worthWei / gas,
  } as const;
  await deps.store.insertOutbox(plannedTransaction(plan, deps.now()));
  stand(deps, demandId, "opening planned");
  deps.pokeOutbox();
}

/** An alarm: unless somebody helps, this costs stake. */
async function parkDemand(deps: CourtDeps, demandId: Hex, reason: string): Promise<void> {
  await deps.store.evidence.noteDemand(demandId, { parkedReason: reason });
  stand(deps, demandId, reason, "error");
}
