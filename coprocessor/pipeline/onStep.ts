import type { ChainEvent, ChainStep } from "../chain/port.ts";
import type { BlockRef } from "../core/block.ts";
import { OPEN_STATES, type RequestKey, type RequestState, requestKey } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";
import { onChallenged } from "./onChallenged.ts";
import { onClosed } from "./onClosed.ts";
import { onPeerMessage } from "./onPeerMessage.ts";
import { onProposed } from "./onProposed.ts";
import { onRegistryEvent } from "./onRegistryEvent.ts";
import { onRequest } from "./onRequest.ts";

/** States that end with the deadline. */
const EXPIRING: readonly RequestState[] = [...OPEN_STATES, "aside"];
/** States in which nothing that we compute or say about a request or a dispute matters any more. */
const CONCLUDED: readonly RequestState[] = ["settled", "expired", "proposed", "challenged"];
/** Rows looked at at once when a block's time passes their deadline. */
const EXPIRE_BATCH = 100;

/**
 * Takes one step of the chain into our rows, in one transaction with the cursor: a step counts once or not at all.
 * What it set in motion goes on afterwards.
 */
export async function onStep(deps: PipelineDeps, step: ChainStep): Promise<void> {
  const touched = await deps.store.transaction(async (store) => {
    const inside = { ...deps, store };
    switch (step.type) {
      case "blocks": {
        const keys: RequestKey[] = [];
        for (const event of step.events) keys.push(...(await onEvent(inside, event)));
        keys.push(...(await expireBefore(inside, step.head)));
        await store.addBlock(step.head);
        return keys;
      }
      case "reorg":
        deps.log.warn({ ancestor: step.ancestor.number.toString() }, "the chain was reorganised");
        return store.rewind(step.ancestor.number);
      case "finalized":
        await store.prune(step.block.number);
        return [];
    }
  });
  for (const key of new Set(touched)) await follow(deps, key);
}

/** Returns the keys of the requests that it changed. */
async function onEvent(deps: PipelineDeps, event: ChainEvent): Promise<RequestKey[]> {
  switch (event.type) {
    case "RequestOpened":
      return onRequest(deps, event);
    case "RequestSettled":
    case "CallbackFailed":
    case "Redelivered":
    case "RequestExpired":
      return onClosed(deps, event);
    case "OutputProposed":
    case "ProposalSuspended":
      return onProposed(deps, event);
    case "ProposalChallenged":
    case "ProposalUpheld":
    case "ProposalOverturned":
    case "DisputeLapsed":
      return onChallenged(deps, event);
    case "Malformed": {
      const { address, eventName, reason, position } = event;
      const { transactionHash, logIndex } = position;
      const where = { address, eventName, block: position.blockNumber.toString(), transactionHash, logIndex };
      deps.recentFaults.add({ at: deps.now(), code: "chain/malformed-log", reason, where });
      deps.log.warn({ ...where, reason }, "malformed event; ignored");
      return [];
    }
    default:
      await onRegistryEvent(deps, event);
      return [];
  }
}

/** Once a block is later than a deadline, no settlement can land any more. */
async function expireBefore(deps: PipelineDeps, head: BlockRef): Promise<RequestKey[]> {
  const expired: RequestKey[] = [];
  // Mostly nothing is due, and the first row tells.
  for (let limit = 1; ; limit = EXPIRE_BATCH) {
    const due = await deps.store.requests({ states: EXPIRING, limit });
    const late = due.filter((record) => record.deadline < head.timestamp);
    for (const record of late) {
      const first = record.state === "aside" ? "others to answer" : "the first step";
      const waitedFor = deps.waiting.get(record.key) ?? record.reason ?? first;
      const reason = `deadline passed while waiting for ${waitedFor}`;
      await deps.store.transition(record.key, EXPIRING, "expired", { reason, closedBlock: head.number });
      const [level, what] =
        record.state === "aside"
          ? (["debug", "a request of others expired"] as const)
          : (["warn", "request expired"] as const);
      deps.log[level]({ requestId: record.requestId, reason }, what);
      expired.push(record.key);
    }
    if (late.length < limit) return expired;
  }
}

/** Outside the transaction: hears what peers said before the chain did, or frees the queue of what is over. */
async function follow(deps: PipelineDeps, key: RequestKey): Promise<void> {
  const record = await deps.store.request(key);
  if (record === null) return deps.workload.ended(key);
  if (record.state === "proposed" || record.dispute !== null) deps.wake(key);
  if (CONCLUDED.includes(record.state)) {
    deps.waiting.delete(key);
    deps.workload.ended(key);
    // Not waited for: a queue that is down must not keep us from following the chain.
    deps.queue.remove(key).catch((error: unknown) => {
      deps.log.warn({ key, err: error }, "a job that is over could not be removed from the queue");
    });
    return;
  }
  for (const message of deps.pending.take(record.requestId)) await onPeerMessage(deps, message);
  deps.wake(requestKey(deps.scope.chainId, deps.scope.oracle, record.requestId));
}
