import { decodeInput, type ModelManifest, roundAt, roundStartsAt, unpackRequest } from "@sibyl/sdk";
import { type Hex, size } from "viem";
import { type AgreementView, decide } from "../core/agreement.ts";
import type { Ballot } from "../core/ballot.ts";
import { CoprocessorError } from "../core/errors.ts";
import { mayBeForgotten } from "../core/memory.ts";
import { checkProfile } from "../core/modelProfile.ts";
import { hasFailed } from "../core/outbox.ts";
import { isOpen, OPEN_STATES, type RequestKey, type RequestRecord } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import { act } from "./act.ts";
import { admit } from "./admit.ts";
import { loadBallot, loadContext, type RequestContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";
import { finalizeWhenDue } from "./finalize.ts";
import { lapseWhenDue } from "./lapse.ts";
import { park } from "./park.ts";
import { considerProposal } from "./watch.ts";

/** An honest path takes six steps; more in one go means a loop. */
const MAX_STEPS = 16;
const BLOCKS_TO_SETTLE = 2;
/** Milliseconds until a model that could not be had is tried again. */
const MODEL_RETRY_MS = 2_000;

/**
 * Brings one request, or one dispute, as far as it can go now: decides from what is stored, acts, and decides again.
 *
 * May run at any time and any number of times; two runs for one request must not overlap (`driver`).
 */
export async function advance(deps: PipelineDeps, key: RequestKey): Promise<void> {
  for (let step = 0; step < MAX_STEPS; step++) {
    const record = await deps.store.request(key);
    if (record?.state === "proposed") {
      await considerProposal(deps, record);
      return finalizeWhenDue(deps, record, settleDelay(deps));
    }
    if (record !== null && record.dispute !== null) await lapseWhenDue(deps, record);
    if (record === null || !isOpen(record.state) || isPastDeadline(deps, record)) return;
    const context = await loadContext(deps, record);
    if (record.dispute !== null && !context.candidates.some(({ operatorId }) => operatorId === deps.me)) {
      deps.waiting.set(key, "its jury; we do not sit on it");
      return;
    }
    const manifest = await loadManifest(deps, record);
    if (manifest === null) return;
    if (record.state === "waiting" && !(await isServable(deps, record, manifest))) return;

    const ballot = await loadBallot(deps, record, context);
    const decision = decide(await view(deps, record, manifest, context, ballot));
    if (decision.disagreement !== null && decision.disagreement !== deps.waiting.get(key)) {
      deps.log.warn(
        { requestId: record.requestId, disagreement: decision.disagreement },
        "operators disagree",
      );
    }
    if (decision.actions.length === 0) {
      deps.waiting.set(key, decision.disagreement ?? decision.waitingFor);
      if (decision.wakeAt !== null) deps.wake(key, decision.wakeAt);
      return;
    }
    for (const action of decision.actions) {
      if (action.type === "start" && !(await admit(deps, record, manifest))) return;
      await act(deps, { record, context, ballot: decision.ballot }, action);
    }
  }
  deps.log.error({ key, steps: MAX_STEPS }, "a request keeps asking for steps; looking again later");
  deps.wake(key, deps.now() + MODEL_RETRY_MS);
}

/** The block that is later than the deadline will close it; nothing can land before either. */
const isPastDeadline = (deps: PipelineDeps, record: RequestRecord): boolean =>
  deps.clock.now(deps.now()) / 1_000 > record.deadline;

/** Null while the manifest cannot be had; says so, and parks the request when it never can. */
async function loadManifest(deps: PipelineDeps, record: RequestRecord): Promise<ModelManifest | null> {
  const { modelId } = record.request;
  try {
    const model = await deps.store.model(modelId);
    const manifest = await deps.models.manifest(modelId, model?.manifestURI ?? "");
    checkProfile(modelId, manifest, model?.profile ?? 0n);
    return manifest;
  } catch (error) {
    if (!(error instanceof CoprocessorError)) throw error;
    const reason = `${error.code}: ${error.message}`;
    if (error.retry === "never") {
      await park(deps, record.key, OPEN_STATES, reason);
    } else {
      deps.waiting.set(record.key, reason);
      deps.wake(record.key, deps.now() + MODEL_RETRY_MS);
    }
    return null;
  }
}

/**
 * Refuses, before any work is done for it, a request that we may have signed for and forgotten, and an input that the model
 * cannot take; it then expires unless others answer.
 */
async function isServable(
  deps: PipelineDeps,
  record: RequestRecord,
  manifest: ModelManifest,
): Promise<boolean> {
  const forgotten = await forgottenReason(deps, record, manifest);
  if (forgotten !== null) {
    await park(deps, record.key, OPEN_STATES, forgotten);
    return false;
  }
  const bytes = size(record.input);
  if (bytes > manifest.input.maxBytes) {
    await park(
      deps,
      record.key,
      OPEN_STATES,
      `input/too-large: ${bytes} bytes, the model takes ${manifest.input.maxBytes}`,
    );
    return false;
  }
  try {
    decodeInput(manifest.input.codec, record.input);
    return true;
  } catch (error) {
    await park(
      deps,
      record.key,
      OPEN_STATES,
      `input/malformed: ${error instanceof Error ? error.message : String(error)}`,
    );
    return false;
  }
}

/**
 * Why we must not sign for a request any more; null when we may.
 *
 * A store that was lost took with it what we had signed. An `exact` model gives the same bytes again, and the salt is
 * derived, so a second signature is the first one. With tolerances another run may differ in a last digit: then two honest
 * signatures would be an equivocation.
 */
async function forgottenReason(
  deps: PipelineDeps,
  { key, request, dispute, openedBlock }: RequestRecord,
  { profile }: ModelManifest,
): Promise<string | null> {
  if (profile.kind === "exact") return null;
  const began = await deps.store.memory();
  const openedAt = dispute?.dispute.challengedAt ?? unpackRequest(request).openedAt;
  if (began === null || !mayBeForgotten({ openedBlock, openedAt }, began)) return null;
  if ((await deps.store.statements(key)).length > 0) return null;
  return `memory/too-young: opened in block ${openedBlock}, before this node's memory begins at block ${began.block}; it may have signed already`;
}

async function view(
  deps: PipelineDeps,
  record: RequestRecord,
  manifest: ModelManifest,
  { terms, candidates }: RequestContext,
  ballot: Ballot,
): Promise<AgreementView> {
  const now = deps.now();
  const chainNow = deps.clock.now(now);
  const round = roundAt(Math.floor(chainNow / 1_000), terms);
  const settlements = (await deps.store.outboxFor(record.key)).filter(
    ({ kind }) => kind === "settle" || kind === "resolve",
  );
  return {
    me: deps.me,
    quorum: terms.quorum,
    committeeSize: terms.committeeSize,
    codec: manifest.output.codec,
    profile: manifest.profile,
    disputed: record.dispute?.output ?? null,
    candidates,
    round,
    nextRoundInMs: roundStartsAt(round + 1, terms) * 1_000 - chainNow,
    seenAt: record.createdAt,
    started: record.state !== "waiting",
    output: record.output,
    ballot,
    ...said(await deps.store.statements(record.key)),
    settling: settlements.some((entry) => !hasFailed(entry)),
    settlementHeld: settlements.find(({ state }) => state === "planned")?.reason ?? null,
    failedSettlements: {
      count: settlements.filter(hasFailed).length,
      lastAt: Math.max(0, ...settlements.filter(hasFailed).map((entry) => entry.updatedAt)),
      reason: settlements.findLast(hasFailed)?.reason ?? null,
    },
    timing: { ...deps.timing, settleDelayMs: settleDelay(deps) },
    now,
  };
}

/** A signer gives the one before it two blocks: sending sooner buys nothing but a second transaction that reverts. */
export const settleDelay = ({ clock, timing }: Pick<PipelineDeps, "clock" | "timing">): number =>
  Math.max(timing.settleDelayMs, BLOCKS_TO_SETTLE * clock.blockIntervalMs);

/** What we signed, by view. */
function said(statements: readonly Statement[]): Pick<AgreementView, "attested" | "proposed"> {
  const attested = new Map<number, Hex>();
  const proposed = new Set<number>();
  for (const { message } of statements) {
    if (message.kind === "attestation") attested.set(message.view, message.outputHash);
    if (message.kind === "proposal") proposed.add(message.view);
  }
  return { attested, proposed };
}
