import type { ChainEvent, ChainStep } from "../chain/port.ts";
import type { BlockRef } from "../core/block.ts";
import {
  OPEN_STATES,
  type RequestKey,
  type RequestRecord,
  type RequestState,
  requestKey,
} from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";
import { onChallenged } from "./onChallenged.ts";
import { onClosed } from "./onClosed.ts";
import { onJudged } from "./onJudged.ts";
import { onPeerMessage } from "./onPeerMessage.ts";
import { onProposed } from "./onProposed.ts";
import { onRegistryEvent } from "./onRegistryEvent.ts";
import { onRequests } from "./onRequests.ts";

/** States that end with the deadline. */
const EXPIRING: readonly RequestState[] = [...OPEN_STATES, "aside"];
/** States in which nothing that we compute or say about a request or a dispute matters any more. */
const CONCLUDED: readonly RequestState[] = ["settled", "expired", "proposed", "challenged"];
/** Rows looked at at once when a block's time passes their deadline. */
const EXPIRE_BATCH = 250;
/** Rows read at once after a step, to go on with what it changed. */
const FOLLOW_BATCH = 250;
const READ_SINGLY = 128;

/**
 * Takes one step of the chain into our rows, in one transaction with the cursor: a step counts once or not at all.
 * What it set in motion goes on afterwards.
 *
 * @param touched The requests that it changes are added. Whoever tries a failed step again gives the same set: the first try
 * may have been stored all the same, and then the second finds nothing to change and much to go on with.
 */
export async function onStep(
  deps: PipelineDeps,
  step: ChainStep,
  touched = new Set<RequestKey>(),
): Promise<void> {
  await deps.store.transaction(async (store) => {
    for (const key of await changedBy({ ...deps, store }, step)) touched.add(key);
  });
  await followAll(deps, [...touched]);
}

/** Inside the transaction. Returns the keys of the requests that the step changed. */
async function changedBy(deps: PipelineDeps, step: ChainStep): Promise<RequestKey[]> {
  const { store } = deps;
  switch (step.type) {
    case "blocks": {
      const keys: RequestKey[] = [];
      for (const part of partsOf(step.events)) {
        keys.push(...(await onRequests(deps, part.opened)));
        for (const events of inTurn(part.others)) {
          keys.push(...(await Promise.all(events.map((event) => onEvent(deps, event)))).flat());
        }
      }
      keys.push(...(await expireBefore(deps, step.head)));
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
}

type Opening = Extract<ChainEvent, { type: "RequestOpened" }>;
type OtherEvent = Exclude<ChainEvent, Opening>;
type RegistryEvent = Parameters<typeof onRegistryEvent>[1];

/** Events whose openings may be taken together, before all others. */
interface StepPart {
  opened: Opening[];
  others: OtherEvent[];
}

/**
 * Splits a step's events after each one that changes the registry, because that decides who is drawn from then on. Within a
 * part the openings may go first: what else happens is about requests that were opened before.
 */
function partsOf(events: readonly ChainEvent[]): StepPart[] {
  let part: StepPart = { opened: [], others: [] };
  const parts = [part];
  for (const event of events) {
    if (event.type === "RequestOpened") part.opened.push(event);
    else part.others.push(event);
    if (!isRegistryEvent(event)) continue;
    part = { opened: [], others: [] };
    parts.push(part);
  }
  return parts;
}

/** Events of a part one after the other, but settlements in a row at once: each is about another request. */
function* inTurn(events: readonly OtherEvent[]): Generator<OtherEvent[]> {
  let settled: OtherEvent[] = [];
  for (const event of events) {
    if (event.type === "RequestSettled") {
      settled.push(event);
      continue;
    }
    yield settled;
    settled = [];
    yield [event];
  }
  yield settled;
}

const REGISTRY_EVENTS: ReadonlySet<string> = new Set<RegistryEvent["type"]>([
  "OperatorRegistered",
  "EndpointChanged",
  "AttesterRotated",
  "EnrolmentChanged",
  "ModelPublished",
  "ManifestURIChanged",
]);

const isRegistryEvent = (event: ChainEvent): event is RegistryEvent => REGISTRY_EVENTS.has(event.type);

/** Returns the keys of the requests that it changed. */
async function onEvent(deps: PipelineDeps, event: OtherEvent): Promise<RequestKey[]> {
  switch (event.type) {
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
    case "EquivocationSlashed":
    case "OpeningDemanded":
    case "CommitmentOpened":
    case "OpeningMissed":
      await onJudged(deps, event);
      return [];
    case "JudgeTrusted":
      deps.log.info({ judge: event.judge }, "a judge may punish operators from now on");
      return [];
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
    const byReason = new Map<string, RequestRecord[]>();
    for (const record of late) {
      const reason = expiryReason(deps, record);
      byReason.set(reason, [...(byReason.get(reason) ?? []), record]);
    }
    for (const [reason, records] of byReason) {
      const keys = records.map(({ key }) => key);
      await deps.store.transitionAll(keys, EXPIRING, "expired", { reason, closedBlock: head.number });
      for (const { requestId, state } of records) {
        if (state === "aside") deps.log.debug({ requestId, reason }, "a request of others expired");
        else deps.log.warn({ requestId, reason }, "request expired");
      }
      expired.push(...keys);
    }
    if (late.length < limit) return expired;
  }
}

function expiryReason({ waiting }: PipelineDeps, { key, state, reason }: RequestRecord): string {
  const first = state === "aside" ? "others to answer" : "the first step";
  return `deadline passed while waiting for ${waiting.get(key) ?? reason ?? first}`;
}

/** Outside the transaction, for what it changed. */
async function followAll(deps: PipelineDeps, keys: readonly RequestKey[]): Promise<void> {
  for (let at = 0; at < keys.length; at += FOLLOW_BATCH) {
    const batch = keys.slice(at, at + FOLLOW_BATCH);
    const records = await rowsOf(deps, batch);
    for (const key of batch) await follow(deps, key, records.get(key) ?? null);
  }
}

async function rowsOf(
  { store }: PipelineDeps,
  keys: readonly RequestKey[],
): Promise<ReadonlyMap<RequestKey, RequestRecord | null>> {
  // A row that is read by its key stays in memory, and what comes next reads it again.
  if (keys.length <= READ_SINGLY)
    return new Map(await Promise.all(keys.map(async (key) => [key, await store.request(key)] as const)));
  return new Map((await store.requests({ keys })).map((record) => [record.key, record]));
}

/** Hears what peers said before the chain did, or frees the queue of what is over. */
async function follow(deps: PipelineDeps, key: RequestKey, record: RequestRecord | null): Promise<void> {
  if (record === null) return deps.workload.ended(key);
  if (record.state === "proposed" || record.dispute !== null) deps.wake(key);
  if (CONCLUDED.includes(record.state)) {
    deps.waiting.delete(key);
    deps.examineLater(key);
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
