import type { ChainEvent } from "../chain/port.ts";
import { impliedState } from "../core/impliedState.ts";
import type { PeerMessage } from "../core/messages.ts";
import { type RequestKey, type RequestRecord, requestKey } from "../core/request.ts";
import { loadContext } from "./context.ts";
import type { PipelineDeps } from "./deps.ts";

/** The order in which an operator says things about a request. */
const SPOKEN_ORDER: Record<PeerMessage["kind"], number> = {
  commit: 0,
  reveal: 1,
  attestation: 2,
  proposal: 3,
};

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
    proposed: null,
    proposedBlock: null,
    closedBlock: null,
    closedTransaction: null,
    settledOutput: null,
    callbackFailed: false,
    createdAt: now,
    updatedAt: now,
  };
  const isNew = await deps.store.insertRequest(record);
  if (!isNew) return [];
  await takeUpAgain(deps, record);
  deps.log.info({ requestId, modelId: request.modelId, fromRound: ours.fromRound }, "request drawn");
  return [record.key];
}

/**
 * A request that a reorg took away may come back under the same id. What we said about it then still stands, so we go
 * on from there instead of answering anew: peers may have heard it.
 */
async function takeUpAgain({ store, now }: PipelineDeps, { key }: RequestRecord): Promise<void> {
  const statements = await store.statements(key);
  if (statements.length === 0) return;
  const inOrder = statements.toSorted((a, b) => SPOKEN_ORDER[a.message.kind] - SPOKEN_ORDER[b.message.kind]);
  for (const { message } of inOrder) await store.addPeerMessage(key, message, now());
  const restored = await store.request(key);
  const slots = statements.map(({ slot }) => slot);
  const state = impliedState(slots, restored?.output != null);
  if (state !== "waiting") await store.transition(key, ["waiting"], state);
}
