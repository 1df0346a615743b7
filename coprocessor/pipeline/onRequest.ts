import type { RequestFields } from "@sibyl/sdk";
import type { ChainEvent } from "../chain/port.ts";
import { newRecord, type RequestKey } from "../core/request.ts";
import { loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";
import { takeUpAgain } from "./takeUpAgain.ts";

/**
 * Stores a new request if the draw admits us now or in a later round, and, if its answer may be challenged, also when we
 * may judge or watch that answer.
 */
export async function onRequest(
  deps: PipelineDeps,
  event: Extract<ChainEvent, { type: "RequestOpened" }>,
): Promise<RequestKey[]> {
  const { position, requestId, request, input } = event;
  const opened = { requestId, request, openedBlockHash: position.blockHash, dispute: null };
  const { fields, candidates } = await loadContext(deps, opened);
  const ours = candidates.find((candidate) => candidate.operatorId === deps.me);
  if (ours === undefined && !(await mayConcernUs(deps, fields))) {
    deps.log.debug({ requestId }, "not drawn");
    return [];
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
  const isNew = await deps.store.insertRequest(record);
  if (!isNew) return [];
  await takeUpAgain(deps, record);
  const { modelId } = request;
  if (ours === undefined) deps.log.debug({ requestId, modelId }, "not drawn; its answer may be challenged");
  else deps.log.info({ requestId, modelId, fromRound: ours.fromRound }, "request drawn");
  return [record.key];
}

/** A jury is drawn from the model's seats, and a watcher of any model looks at all. */
async function mayConcernUs({ store, me, watch }: PipelineDeps, fields: RequestFields): Promise<boolean> {
  if (fields.challengeWindow === 0) return false;
  if (watch?.serves === "any") return true;
  if (watch !== null && watch.serves !== "our seats" && watch.serves.includes(fields.modelId)) return true;
  const seats = await store.enrolments(fields.modelId);
  return seats.some(({ operatorId, activeFrom }) => operatorId === me && activeFrom <= fields.openedAt);
}
