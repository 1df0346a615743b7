import { type RequestFields, unpackRequest } from "@sibyl/sdk";
import { type Ballot, tally } from "../core/ballot.ts";
import { type Candidate, draw } from "../core/draw.ts";
import type { RequestRecord } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/** What follows from a stored request and the registry: who may answer it. */
export interface RequestContext {
  fields: RequestFields;
  candidates: Candidate[];
}

export async function loadContext(
  deps: Pick<PipelineDeps, "store">,
  record: Pick<RequestRecord, "request" | "requestId" | "openedBlockHash">,
): Promise<RequestContext> {
  const fields = unpackRequest(record.request);
  const enrolments = await deps.store.enrolments(record.request.modelId);
  return { fields, candidates: draw(record.requestId, fields, record.openedBlockHash, enrolments) };
}

export async function loadBallot(
  deps: Pick<PipelineDeps, "store" | "timing">,
  record: RequestRecord,
  context: RequestContext,
): Promise<Ballot> {
  const rules = {
    requestId: record.requestId,
    quorum: context.fields.quorum,
    committeeSize: context.fields.committeeSize,
    commitGraceMs: deps.timing.commitGraceMs,
  };
  return tally(rules, context.candidates, await deps.store.peerMessages(record.key));
}
