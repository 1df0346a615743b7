import { requestsInBatch } from "@sibyl/sdk";
import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import type { RequestKey } from "../core/request.ts";
import type { Store } from "../store/port.ts";
import type { OutboxDeps } from "./outboxDeps.ts";

/** Digits of a request id, with `0x`. */
const ID_LENGTH = 66;

/** The keys of the requests that a batch brings. They are in its calldata, so nothing else has to remember them. */
function keysOf({ key, data }: OutboxEntry): RequestKey[] {
  const scope = key.slice(0, -ID_LENGTH);
  return requestsInBatch(data).map((requestId) => `${scope}${requestId}`.toLowerCase());
}

/** Whether any of a batch's requests is still open. */
export async function isBatchNeeded({ isNeeded }: OutboxDeps, batch: OutboxEntry): Promise<boolean> {
  for (const key of keysOf(batch)) if (await isNeeded(key, "settle")) return true;
  return false;
}

/** The settlements of a batch's requests that are in one of these states and hold no nonce of their own. */
export async function membersOf(
  store: Store,
  batch: OutboxEntry,
  states: readonly OutboxState[],
): Promise<OutboxEntry[]> {
  const all: OutboxEntry[] = [];
  for (const key of keysOf(batch)) all.push(...(await store.outboxFor(key)));
  return all.filter(
    ({ kind, state, nonce }) => kind === "settle" && states.includes(state) && nonce === null,
  );
}

/** The id of the request that an entry is about. */
export const requestIdOf = ({ key }: OutboxEntry): string => key.slice(-ID_LENGTH);
