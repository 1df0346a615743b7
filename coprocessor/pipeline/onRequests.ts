import type { RequestFields } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { ChainEvent } from "../chain/port.ts";
import { newRecord, type RequestKey, type RequestRecord } from "../core/request.ts";
import type { Store } from "../store/port.ts";
import { loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";
import { takeUpAgain } from "./takeUpAgain.ts";

type Opening = Extract<ChainEvent, { type: "RequestOpened" }>;

/**
 * Stores the new requests that the draw admits us to now or in a later round, and, where an answer may be challenged, also
 * those whose answer we may judge or watch.
 *
 * Many at once, because a node that catches up reads thousands, and each statement costs more than the row that it is
 * about. The registry must not change between the openings.
 */
export async function onRequests(deps: PipelineDeps, events: readonly Opening[]): Promise<RequestKey[]> {
  const seats = rememberedSeats(deps.store);
  const drawn = new Map<RequestKey, { record: RequestRecord; fromRound: number | null }>();
  for (const event of events) {
    const found = await consider(deps, seats, event);
    // A request opens once; an endpoint that says so twice changes nothing.
    if (found !== null && !drawn.has(found.record.key)) drawn.set(found.record.key, found);
  }
  if (drawn.size === 0) return [];
  const inserted = await deps.store.insertRequests([...drawn.values()].map(({ record }) => record));
  const spoken = new Set(await deps.store.spokenAbout(inserted));
  for (const key of inserted) {
    const { record, fromRound } = drawn.get(key) as { record: RequestRecord; fromRound: number | null };
    if (spoken.has(key)) await takeUpAgain(deps, record);
    const { requestId } = record;
    const { modelId } = record.request;
    if (fromRound === null) deps.log.debug({ requestId, modelId }, "not drawn; its answer may be challenged");
    else deps.log.info({ requestId, modelId, fromRound }, "request drawn");
  }
  return inserted;
}

/** The row to keep, and the round from which we may answer; null for a request that does not concern us. */
async function consider(
  deps: PipelineDeps,
  seats: Seats,
  event: Opening,
): Promise<{ record: RequestRecord; fromRound: number | null } | null> {
  const { position, requestId, request, input } = event;
  const opened = { requestId, request, openedBlockHash: position.blockHash, dispute: null };
  const { fields, candidates } = await loadContext({ store: seats }, opened);
  const ours = candidates.find((candidate) => candidate.operatorId === deps.me);
  if (ours === undefined && !(await mayConcernUs(deps, seats, fields))) {
    deps.log.debug({ requestId }, "not drawn");
    return null;
  }
  const record = newRecord(
    {
      ...deps.scope,
      ...opened,
      input,
      deadline: fields.deadline,
      openedBlock: position.blockNumber,
      openedTransaction: position.transactionHash,
      state: ours === undefined ? "aside" : "waiting",
    },
    deps.now(),
  );
  return { record, fromRound: ours?.fromRound ?? null };
}

type Seats = Pick<Store, "enrolments">;

/** Reads each model's seats once; draws that were made from a list go with it. */
function rememberedSeats(store: Store): Seats {
  const known = new Map<Hex, ReturnType<Store["enrolments"]>>();
  return {
    enrolments(modelId) {
      const seats = known.get(modelId) ?? store.enrolments(modelId);
      known.set(modelId, seats);
      return seats;
    },
  };
}

/** A jury is drawn from the model's seats, and a watcher of any model looks at all. */
async function mayConcernUs(
  { me, watch }: PipelineDeps,
  { enrolments }: Seats,
  fields: RequestFields,
): Promise<boolean> {
  if (fields.challengeWindow === 0) return false;
  if (watch?.serves === "any") return true;
  if (watch !== null && watch.serves !== "our seats" && watch.serves.includes(fields.modelId)) return true;
  const seats = await enrolments(fields.modelId);
  return seats.some(({ operatorId, activeFrom }) => operatorId === me && activeFrom <= fields.openedAt);
}
