import type { ChainEvent } from "../chain/port.ts";
import { type RequestKey, type RequestRecord, requestKey } from "../core/request.ts";
import { loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";

/** Stores a new request if the draw admits us now or in a later round. */
export async function onRequest(
  deps: PipelineDeps,
  event: Extract<ChainEvent, { type: "RequestOpened" }>,
): Promise<RequestKey[]> {
  const { chainId, oracle } = deps.scope;
  const { position, requestId, request, input } = event;
  const now = deps.now();
  const opened = { requestId, request, openedBlockHash: position.blockHash };
  const { fields, candidates } = await loadContext(deps, opened);
  const ours = candidates.find((candidate) => candidate.operatorId === deps.me);
  if (ours === undefined) {
    deps.log.debug({ requestId }, "not drawn");
    return [];
  }
  const record: RequestRecord = {
    ...opened,
    key: requestKey(chainId, oracle, requestId),
    chainId,
    oracle,
    input,
    deadline: fields.deadline,
    openedBlock: position.blockNumber,
    openedTransaction: position.transactionHash,
    state: "waiting",
    reason: null,
    output: null,
    outputHash: null,
    closedBlock: null,
    closedTransaction: null,
    settledOutput: null,
    callbackFailed: false,
    createdAt: now,
    updatedAt: now,
  };
  const isNew = await deps.store.insertRequest(record);
  if (!isNew) return [];
  deps.log.info({ requestId, modelId: request.modelId, fromRound: ours.fromRound }, "request drawn");
  return [record.key];
}
