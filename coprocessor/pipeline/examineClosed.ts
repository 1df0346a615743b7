import { type ComparisonRule, OutOfRangeError, unpackProfile } from "@sibyl/sdk";
import { examine } from "../core/examine.ts";
import { isOpen, type RequestKey, type RequestRecord } from "../core/request.ts";
import { loadBallot, loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";
import { keepEvidence } from "./keepEvidence.ts";

/** Looks through a request that is proposed or over, and keeps what its operators can be held to. May run twice. */
export async function examineClosed(deps: PipelineDeps, key: RequestKey): Promise<void> {
  const record = await deps.store.request(key);
  if (record === null || isOpen(record.state)) return;
  const comparison = await comparisonOf(deps, record);
  if (comparison === null) return;
  const context = await loadContext(deps, record);
  const ballot = await loadBallot(deps, record, context);
  const drawn = new Set(context.candidates.map(({ operatorId }) => operatorId));
  const messages = (await deps.store.peerMessages(key)).map(({ message }) => message);
  const output = record.settledOutput ?? record.proposed?.output ?? null;
  const findings = examine({
    me: deps.me,
    requestId: record.requestId,
    quorum: context.terms.quorum,
    comparison,
    heard: messages.filter(({ operatorId }) => drawn.has(operatorId)),
    ballot,
    ours: record.output,
    answer: output === null ? null : { output, transaction: record.closedTransaction },
    expired: record.state === "expired",
  });
  await keepEvidence(deps, record, findings);
}

/** As judges on chain compare; null for a model that the registry does not know. */
export async function comparisonOf(
  { store }: Pick<PipelineDeps, "store">,
  { request }: Pick<RequestRecord, "request">,
): Promise<ComparisonRule | null> {
  const model = await store.model(request.modelId);
  try {
    return model === null ? null : unpackProfile(model.profile);
  } catch (error) {
    if (error instanceof OutOfRangeError) return null;
    throw error;
  }
}
