import { type RequestFields, unpackRequest } from "@sibyl/sdk";
import { type Ballot, tally } from "../core/ballot.ts";
import { type AgreementTerms, agreementTerms, drawJury } from "../core/dispute.ts";
import { type Candidate, draw } from "../core/draw.ts";
import type { EnrolmentRecord } from "../core/operators.ts";
import type { RequestRecord } from "../core/request.ts";
import type { Store, StoredPeerMessage } from "../store/port.ts";
import type { PipelineDeps } from "./deps.ts";

/** What follows from a stored request, or a dispute about one, and the registry: who may answer it. */
export interface RequestContext {
  /** Of the request, also on a dispute's row. */
  fields: RequestFields;
  terms: AgreementTerms;
  candidates: Candidate[];
}

/** Draws that were made from a list of seats; they go with the list, which the store replaces when a seat changes. */
const drawn = new WeakMap<readonly EnrolmentRecord[], Map<string, RequestContext>>();
const MAX_DRAWS = 4_096;

export async function loadContext(
  deps: { store: Pick<Store, "enrolments"> },
  record: Pick<RequestRecord, "request" | "requestId" | "openedBlockHash" | "dispute">,
): Promise<RequestContext> {
  const enrolments = await deps.store.enrolments(record.request.modelId);
  const draws = drawn.get(enrolments) ?? new Map<string, RequestContext>();
  drawn.set(enrolments, draws);
  const name = `${record.requestId}/${record.openedBlockHash}`;
  const known = draws.get(name);
  if (known !== undefined) return known;
  const fields = unpackRequest(record.request);
  const { requestId, openedBlockHash, dispute } = record;
  const candidates =
    dispute === null
      ? draw(requestId, fields, openedBlockHash, enrolments)
      : drawJury(requestId, fields, dispute, openedBlockHash, enrolments);
  const context = { fields, terms: agreementTerms(fields, dispute), candidates };
  if (draws.size >= MAX_DRAWS) draws.clear();
  draws.set(name, context);
  return context;
}

/** Ballots by the messages that they were made of; the store hands out another list once something is added. */
const ballots = new WeakMap<readonly StoredPeerMessage[], { context: RequestContext; ballot: Ballot }>();

export async function loadBallot(
  deps: Pick<PipelineDeps, "store" | "timing">,
  record: RequestRecord,
  context: RequestContext,
): Promise<Ballot> {
  const heard = await deps.store.peerMessages(record.key);
  const known = ballots.get(heard);
  if (known?.context === context) return known.ballot;
  const rules = {
    requestId: record.requestId,
    quorum: context.terms.quorum,
    committeeSize: context.terms.committeeSize,
    commitGraceMs: deps.timing.commitGraceMs,
  };
  const ballot = tally(rules, context.candidates, heard);
  ballots.set(heard, { context, ballot });
  return ballot;
}
