import { type RequestFields, unpackRequest } from "@sibyl/sdk";
import { CoprocessorError } from "../core/errors.ts";
import type { RequestKey, RequestRecord } from "../core/request.ts";
import { isSampled } from "../core/sample.ts";
import {
  judgeProposal,
  nextWatches,
  OPEN_WATCH_STATES,
  reasonNotToWatch,
  type WatchRecord,
} from "../core/watch.ts";
import type { JobOutcome } from "../queue/port.ts";
import { challengeProposal } from "./challenge.ts";
import type { PipelineDeps, Watching } from "./deps.ts";
import { receiptOf, refuse } from "./onOutcome.ts";

/** What the second look acts through; `compose/` gives it to nodes that watch. */
export type WatchDeps = PipelineDeps & { watch: Watching };

/** Second looks that are held in memory at once; the rest waits in the store. */
const LOOK_AT_ONCE = 256;
/** Milliseconds between looks while any second look is open. */
const LOOK_MS = 2_000;
const IDLE_MS = 30_000;
/** Milliseconds until a manifest that could not be had is asked for again. */
const RETRY_MS = 5_000;

const PREFIX = "watch-";

/** The request that a job looks at again; null for a job of another kind. */
export const watchedRequest = (jobKey: string): RequestKey | null =>
  jobKey.startsWith(PREFIX) ? jobKey.slice(PREFIX.length) : null;

/**
 * Decides, once a request's answer is proposed, whether to look at it again, and takes that down.
 *
 * May run any number of times: a proposal that a reorg replaced is compared anew with what we computed.
 */
export async function considerProposal(deps: PipelineDeps, record: RequestRecord): Promise<void> {
  const { watch } = deps;
  const { proposed, key } = record;
  if (watch === null || proposed === null) return;
  const known = await deps.store.watch(key);
  if (known !== null) return reconsider({ ...deps, watch }, record, known);

  const fields = unpackRequest(record.request);
  const reason = reasonNotToWatch({
    me: deps.me,
    signers: proposed.proposal.signers,
    judged: deps.arbiterOf(fields.arbiterIndex) !== null,
    sampled: isSampled(watch.seed, record.requestId, watch.share),
    serves: await serves(deps, watch, fields),
  });
  if (reason !== null) {
    deps.log.debug({ requestId: record.requestId, reason }, "a proposal is not watched");
    return;
  }
  const now = deps.now();
  const fresh: WatchRecord = {
    key,
    state: "pending",
    windowEndsAt: proposed.proposal.proposedAt + fields.challengeWindow,
    output: record.output,
    proposedOutput: null,
    reason: null,
    createdAt: now,
    updatedAt: now,
  };
  await deps.store.putWatch(fresh);
  deps.log.info({ requestId: record.requestId, windowEndsAt: fresh.windowEndsAt }, "watching a proposal");
  // Whoever was drawn and did not sign has an output of its own already.
  if (record.output !== null) await compare({ ...deps, watch }, record, fresh);
  else deps.pokeWatch();
}

async function reconsider(deps: WatchDeps, record: RequestRecord, known: WatchRecord): Promise<void> {
  if (known.output === null || record.proposed === null) return;
  if (known.proposedOutput !== record.proposed.output) return compare(deps, record, known);
  if (known.state === "disagrees") await challengeProposal(deps, record, known);
}

async function serves(deps: PipelineDeps, watch: Watching, fields: RequestFields): Promise<boolean> {
  if (watch.serves === "any") return true;
  if (watch.serves !== "our seats") return watch.serves.includes(fields.modelId);
  const seats = await deps.store.enrolments(fields.modelId);
  return seats.some(({ operatorId }) => operatorId === deps.me);
}

/**
 * Gives second looks their places in the queue, the window that ends first before the others, and says which ones come
 * too late.
 *
 * @returns when to call again, Unix milliseconds.
 */
export async function lookAgain(deps: WatchDeps): Promise<number> {
  const { store, watch, log } = deps;
  const now = deps.now();
  const open = await store.watches({ states: OPEN_WATCH_STATES, limit: LOOK_AT_ONCE });
  const still: WatchRecord[] = [];
  for (const one of open) {
    const record = await store.request(one.key);
    if (record?.state === "proposed") {
      // One with an output only waits for its model's manifest.
      if (one.output === null) still.push(one);
    } else await conclude(deps, one, "skipped", "its proposal was decided, or gone, before we had looked");
  }
  const plan = nextWatches(still, {
    maxRunning: watch.maxRunning,
    marginMs: watch.marginMs,
    chainNow: deps.clock.now(now),
  });
  for (const one of plan.skip) {
    const reason = `not looked at in time; ${plan.running.length} of ${watch.maxRunning} others are running`;
    log.warn({ code: "watch/skipped", key: one.key, reason }, "a proposal could not be looked at again");
    await conclude(deps, one, "skipped", reason);
    await deps.queue.remove(PREFIX + one.key);
  }
  // A job that is there already is left alone, so this also takes up what ran when we ended.
  for (const one of plan.running) await enqueue(deps, one);
  for (const one of plan.run) {
    await enqueue(deps, one);
    await store.putWatch({ ...one, state: "running", updatedAt: now });
  }
  return now + (still.length > 0 ? LOOK_MS : IDLE_MS);
}

async function enqueue(deps: WatchDeps, { key, windowEndsAt }: WatchRecord): Promise<void> {
  const record = await deps.store.request(key);
  if (record === null) return;
  const { modelId } = record.request;
  const model = await deps.store.model(modelId);
  await deps.queue.add({
    version: 1,
    key: PREFIX + key,
    modelId,
    manifestURI: model?.manifestURI ?? "",
    input: record.input,
    deadlineMs: windowEndsAt * 1_000,
  });
}

/** Takes in what a second look computed. That we could not run the model says nothing about the answer. */
export async function onSecondLook(deps: WatchDeps, key: RequestKey, outcome: JobOutcome): Promise<void> {
  const { store, log } = deps;
  const [watch, record] = [await store.watch(key), await store.request(key)];
  if (watch !== null && record !== null && watch.state === "running") {
    const { requestId } = record;
    if (outcome.status === "failed") {
      const reason = `${outcome.code}: ${outcome.message}`;
      log.warn({ code: "watch/failed", requestId, reason }, "a proposal could not be looked at again");
      await conclude(deps, watch, "failed", reason);
    } else {
      const { modelId } = record.request;
      const manifestURI = (await store.model(modelId))?.manifestURI ?? "";
      const manifest = await deps.models.manifest(modelId, manifestURI);
      const refusal = refuse(outcome.output, manifest.output.codec);
      if (refusal === null) {
        await store.putReceipt(key, receiptOf(deps, record, manifestURI, outcome));
        await compare(deps, record, { ...watch, output: outcome.output });
      } else {
        await conclude(deps, watch, "failed", refusal);
      }
    }
  }
  await deps.queue.remove(PREFIX + key);
  deps.pokeWatch();
}

/** Compares what we computed with what is proposed, keeps both, and challenges what is wrong. */
async function compare(deps: WatchDeps, record: RequestRecord, watch: WatchRecord): Promise<void> {
  const { store, log } = deps;
  const { proposed, requestId } = record;
  if (proposed === null || watch.output === null) return;
  const { modelId } = record.request;
  const model = await store.model(modelId);
  try {
    const manifest = await deps.models.manifest(modelId, model?.manifestURI ?? "");
    const rule = { codec: manifest.output.codec, profile: manifest.profile };
    const judgement = judgeProposal(rule, watch.output, proposed.output);
    const judged = { ...watch, ...judgement, proposedOutput: proposed.output, updatedAt: deps.now() };
    await store.putWatch(judged);
    if (judgement.state === "agrees") {
      log.info({ requestId }, "a proposal agrees with our second look");
      return;
    }
    const outputs = { proposed: proposed.output, ours: watch.output };
    log.warn(
      { code: "watch/wrong-proposal", requestId, reason: judgement.reason, ...outputs },
      "a proposal disagrees with our second look",
    );
    await challengeProposal(deps, record, judged);
  } catch (error) {
    if (!(error instanceof CoprocessorError)) throw error;
    await store.putWatch({ ...watch, updatedAt: deps.now() });
    if (error.retry === "never") return conclude(deps, watch, "failed", `${error.code}: ${error.message}`);
    deps.wake(record.key, deps.now() + RETRY_MS);
  }
}

async function conclude(
  { store, now }: WatchDeps,
  watch: WatchRecord,
  state: "skipped" | "failed",
  reason: string,
): Promise<void> {
  await store.putWatch({ ...watch, state, reason, updatedAt: now() });
}
