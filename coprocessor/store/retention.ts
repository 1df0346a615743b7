import { and, eq, exists, inArray, isNull, lt, lte, max, min, ne, not, or, sql } from "drizzle-orm";
import type { OutboxState } from "../core/outbox.ts";
import type { RequestState } from "../core/request.ts";
import type { Queries } from "./database.ts";
import { rewindRegistry } from "./registryRows.ts";
import { blocks, outbox, peerMessages, receipts, requests, statements, watches } from "./schema.ts";

/** What is too old to keep. */
export interface Expiry {
  /** Unix seconds: requests whose deadline is earlier are old. */
  before: number;
  /** Most rows of a kind that are looked at in one go. */
  limit: number;
}

const OVER: readonly RequestState[] = ["settled", "expired", "parked"];
const DONE: readonly OutboxState[] = ["mined", "abandoned"];

/**
 * Removes requests that are over, final and old, with all that belongs to them; call it inside a transaction.
 *
 * A request stays while a reorg could reopen it, while a transaction about it is under way, and as long as one of its
 * operators is known to have said two things: that is evidence. What we signed stays as long as its request, and the caller
 * sees to it that this is longer than anybody can hold us to it. Requests that a reorg took away for good go too.
 *
 * @returns How many requests were removed; fewer than `limit` when nothing is left to remove.
 */
export async function forgetClosed(queries: Queries, { before, limit }: Expiry): Promise<number> {
  // The oldest head that is kept is the newest final one.
  const [head] = await queries.select({ number: min(blocks.number) }).from(blocks);
  if (head?.number == null) return 0;
  const of = (key: typeof statements.key | typeof peerMessages.key | typeof outbox.key) =>
    eq(key, requests.key);
  const contradicted = exists(
    queries
      .select({ one: sql`1` })
      .from(peerMessages)
      .where(and(of(peerMessages.key), ne(peerMessages.ordinal, 0))),
  );
  const underWay = exists(
    queries
      .select({ one: sql`1` })
      .from(outbox)
      .where(and(of(outbox.key), not(inArray(outbox.state, [...DONE])))),
  );
  const rows = await queries
    .select({ key: requests.key })
    .from(requests)
    .where(
      and(
        or(inArray(requests.state, [...OVER]), eq(requests.removed, true)),
        lt(requests.deadline, before),
        lte(sql`coalesce(${requests.closedBlock}, ${requests.openedBlock})`, head.number),
        not(contradicted),
        not(underWay),
      ),
    )
    .limit(limit);
  const keys = rows.map(({ key }) => key);
  if (keys.length > 0) {
    await queries.delete(statements).where(inArray(statements.key, keys));
    await queries.delete(peerMessages).where(inArray(peerMessages.key, keys));
    await queries.delete(receipts).where(inArray(receipts.key, keys));
    await queries.delete(watches).where(inArray(watches.key, keys));
    await queries.delete(requests).where(inArray(requests.key, keys));
  }
  await forgetOrphans(queries, { before, limit });
  return keys.length;
}

/** What has no request any more: requests that a reorg took away leave what we signed for them, and what ran. */
async function forgetOrphans(queries: Queries, { before, limit }: Expiry): Promise<void> {
  const beforeMs = before * 1_000;
  const orphaned = (key: typeof statements.key | typeof receipts.key | typeof outbox.key) =>
    not(exists(queries.select({ one: sql`1` }).from(requests).where(eq(requests.key, key))));
  const oldStatements = queries
    .select({ key: statements.key })
    .from(statements)
    .where(and(lt(statements.createdAt, beforeMs), orphaned(statements.key)))
    .limit(limit);
  await queries.delete(statements).where(inArray(statements.key, oldStatements));
  const oldReceipts = queries
    .select({ key: receipts.key })
    .from(receipts)
    .where(and(lt(receipts.computedAt, beforeMs), orphaned(receipts.key)))
    .limit(limit);
  await queries.delete(receipts).where(inArray(receipts.key, oldReceipts));
  // The highest nonce stays: an RPC server that lags must not have it given out again.
  const [row] = await queries.select({ highest: max(outbox.nonce) }).from(outbox);
  const oldEntries = queries
    .select({ id: outbox.id })
    .from(outbox)
    .where(
      and(
        inArray(outbox.state, [...DONE]),
        lt(outbox.updatedAt, beforeMs),
        or(isNull(outbox.nonce), lt(outbox.nonce, row?.highest ?? 0)),
        orphaned(outbox.key),
      ),
    )
    .limit(limit);
  await queries.delete(outbox).where(inArray(outbox.id, oldEntries));
}

/**
 * Takes back all that the chain said, so that it can be read anew; call it inside a transaction.
 *
 * What was signed, heard, run and sent stays. An output that something was signed about stays with its request's row, hidden
 * until the chain says the request again.
 */
export async function forgetChain(queries: Queries): Promise<{ requests: number; blocks: number }> {
  const spoken = exists(
    queries.select({ one: sql`1` }).from(statements).where(eq(statements.key, requests.key)),
  );
  const hidden = await queries
    .update(requests)
    .set({ removed: true })
    .where(and(not(isNull(requests.output)), spoken))
    .returning({ key: requests.key });
  const gone = await queries
    .delete(requests)
    .where(eq(requests.removed, false))
    .returning({ key: requests.key });
  await rewindRegistry(queries, -1n);
  const heads = await queries.delete(blocks).returning({ number: blocks.number });
  return { requests: hidden.length + gone.length, blocks: heads.length };
}
