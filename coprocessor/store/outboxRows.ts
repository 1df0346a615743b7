import { and, asc, eq, gt, inArray, type SQL, sql } from "drizzle-orm";
import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import type { RequestKey } from "../core/request.ts";
import type { Queries } from "./database.ts";
import { requireSchemaName } from "./oracleSchema.ts";
import type { NonceHolder } from "./port.ts";
import { isOneOf } from "./recordset.ts";
import { outbox } from "./schema.ts";
import { inPowersOfTwo } from "./statementSizes.ts";

/** Key of the advisory lock under which nonces are given out. */
const NONCE_LOCK = 0x6e6f6e63;

/** @returns for each entry whether its id was not known. */
export async function insertOutboxAll(queries: Queries, entries: readonly OutboxEntry[]): Promise<boolean[]> {
  const inserted = new Set<string>();
  for (const some of inPowersOfTwo(entries)) {
    // Only a known id is an expected outcome; a nonce given twice is a fault, and must not look like one.
    const rows = await queries
      .insert(outbox)
      .values(some.map(toRow))
      .onConflictDoNothing({ target: outbox.id })
      .returning({ id: outbox.id });
    for (const { id } of rows) inserted.add(id);
  }
  // The second of two with one id finds the first there.
  return entries.map(({ id }) => inserted.delete(id));
}

export async function listOutbox(queries: Queries, states: readonly OutboxState[]): Promise<OutboxEntry[]> {
  const rows = await queries
    .select()
    .from(outbox)
    .where(inArray(outbox.state, [...states]))
    .orderBy(sql`${outbox.nonce} asc nulls last`, asc(outbox.createdAt), asc(outbox.id));
  return rows.map(fromRow);
}

export async function listOutboxFor(queries: Queries, keys: readonly RequestKey[]): Promise<OutboxEntry[]> {
  const rows = await queries
    .select()
    .from(outbox)
    .where(isOneOf(outbox.key, keys))
    .orderBy(asc(outbox.createdAt), asc(outbox.id));
  return rows.map(fromRow);
}

export async function updateOutbox(
  queries: Queries,
  entry: OutboxEntry,
  from: OutboxState,
): Promise<boolean> {
  const { id, ...rest } = toRow(entry);
  const rows = await queries
    .update(outbox)
    .set(rest)
    .where(and(eq(outbox.id, id), eq(outbox.state, from)))
    .returning({ id: outbox.id });
  return rows.length > 0;
}

/**
 * Holds a lock until the transaction ends, so that the nonce is stored before anybody else asks for one.
 *
 * @param schemas Of all outboxes of the account.
 */
export async function nextNonce(
  queries: Queries,
  schemas: ReadonlySet<string>,
  floor: number,
): Promise<number> {
  await queries.execute(sql`select pg_advisory_xact_lock(${NONCE_LOCK}::bigint)`);
  const nonces = inAll(schemas, (table) => `select nonce from ${table}`);
  const [row] = await queries
    .select({ highest: sql<string | number | null>`max(nonce)` })
    .from(sql`(${nonces}) given`);
  const highest = row?.highest ?? null;
  return highest === null ? floor : Math.max(floor, Number(highest) + 1);
}

/** The signed transactions of the outboxes in these schemas, at least one, lowest nonce first. */
export async function listNonceHolders(queries: Queries, schemas: readonly string[]): Promise<NonceHolder[]> {
  const signed = inAll(
    schemas,
    (
      table,
    ) => `select id, nonce, value + gas * coalesce((attempts -> -1 ->> 'maxFeePerGas')::numeric, 0) as most
      from ${table} where state = 'signed' and nonce is not null`,
  );
  const rows = await queries
    .select({ id: sql<string>`id`, nonce: sql<string | number>`nonce`, most: sql<string>`most::text` })
    .from(sql`(${signed}) held`)
    .orderBy(sql`nonce`);
  return rows.map(({ id, nonce, most }) => ({ id, nonce: Number(nonce), maxWei: BigInt(most) }));
}

/** As text, because a name that goes through the dialect means this store's own schema. */
function inAll(schemas: Iterable<string>, select: (table: string) => string): SQL {
  const parts = [...schemas].map((schema) => select(`"${requireSchemaName(schema)}".outbox`));
  return sql.raw(parts.join(" union all "));
}

/**
 * Transactions mined after `ancestor` may be in a mempool again, or nowhere. What a batch brought is part of it again: the
 * batch holds the nonce.
 */
export async function rewindOutbox(queries: Queries, ancestor: bigint, now: number): Promise<void> {
  await queries
    .update(outbox)
    .set({
      state: sql`case when ${outbox.nonce} is null then 'batched' else 'signed' end`,
      minedTransaction: null,
      minedBlock: null,
      succeeded: null,
      reason: null,
      updatedAt: now,
    })
    .where(and(eq(outbox.state, "mined"), gt(outbox.minedBlock, ancestor)));
}

function toRow(entry: OutboxEntry): typeof outbox.$inferInsert {
  const attempts = entry.attempts.map((attempt) => ({
    ...attempt,
    maxFeePerGas: attempt.maxFeePerGas.toString(),
    maxPriorityFeePerGas: attempt.maxPriorityFeePerGas.toString(),
  }));
  return { ...entry, attempts };
}

function fromRow(row: typeof outbox.$inferSelect): OutboxEntry {
  const attempts = row.attempts.map((attempt) => ({
    ...attempt,
    maxFeePerGas: BigInt(attempt.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(attempt.maxPriorityFeePerGas),
  }));
  return { ...row, attempts };
}
