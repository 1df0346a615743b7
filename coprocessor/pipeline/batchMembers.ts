import { requestsInBatch } from "@sibyl/sdk";
import type { OutboxEntry } from "../core/outbox.ts";
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

/** The settlements that a batch holds, while it is not mined. */
export async function heldBy(store: Store, batch: OutboxEntry): Promise<OutboxEntry[]> {
  const keys = new Set(keysOf(batch));
  // Few are batched at any time, so that one look at all of them is cheaper than one for each request.
  const batched = await store.outbox({ states: ["batched"] });
  return batched.filter((entry) => isMember(entry) && keys.has(entry.key.toLowerCase()));
}

/** The settlements that a batch brought. */
export async function broughtBy(store: Store, batch: OutboxEntry): Promise<OutboxEntry[]> {
  const all: OutboxEntry[] = [];
  for (const key of keysOf(batch)) all.push(...(await store.outboxFor(key)));
  return all.filter((entry) => entry.state === "mined" && isMember(entry));
}

/** It went with others: the nonce is the batch's. */
const isMember = ({ kind, nonce }: OutboxEntry): boolean => kind === "settle" && nonce === null;

/** The id of the request that an entry is about. */
export const requestIdOf = ({ key }: OutboxEntry): string => key.slice(-ID_LENGTH);
