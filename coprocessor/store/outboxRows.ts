import { and, asc, eq, getTableColumns, gt, inArray, type SQL, sql } from "drizzle-orm";
import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import type { RequestKey } from "../core/request.ts";
import { type Queries, runText } from "./database.ts";
import { requireSchemaName } from "./oracleSchema.ts";
import type { NonceHolder } from "./port.ts";
import { columnList, isOneOf, jsonOf, rowsIn } from "./recordset.ts";
import { outbox } from "./schema.ts";

/** Key of the advisory lock under which nonces are given out. */
const NONCE_LOCK = 0x6e6f6e63;

/** @returns for each entry whether its id was not known. */
export async function insertOutboxAll(
  queries: Queries,
  schema: string,
  entries: readonly OutboxEntry[],
): Promise<boolean[]> {
  return areAmong(await runText(queries, { text: insertText(schema), params: [jsonOf(entries)] }), entries);
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

/** @param entries Of different ids. @returns for each whether it was in state `from`, and is written. */
export async function updateOutboxAll(
  queries: Queries,
  schema: string,
  entries: readonly OutboxEntry[],
  from: OutboxState,
): Promise<boolean[]> {
  if (entries.length === 0) return [];
  const changed = entries.map((entry) => ({ ...entry, to: undefined, data: undefined }));
  const params = [jsonOf(changed), from];
  return areAmong(await runText(queries, { text: updateText(schema), params }), entries);
}

/** For each entry whether a statement returned its id; of two with one id, the first. */
function areAmong(rows: readonly Record<string, unknown>[], entries: readonly OutboxEntry[]): boolean[] {
  const ids = new Set(rows.map(({ id }) => id));
  return entries.map(({ id }) => ids.delete(id));
}

const columns = getTableColumns(outbox);
/** What an entry is about does not change, and its calldata may be long. */
const {
  id,
  key: _key,
  kind: _kind,
  to: _to,
  data: _data,
  value: _value,
  createdAt: _at,
  ...changing
} = columns;

// Only a known id is an expected outcome; a nonce given twice is a fault, and must not look like one.
const insertText = (schema: string): string => `insert into "${schema}".outbox
    (${columnList(columns, (column) => column)})
  select ${columnList(columns, (_column, value) => value)} from ${rowsIn("$1", columns)}
  on conflict (id) do nothing
  returning id`;

const updateText = (schema: string): string => `update "${schema}".outbox o
  set ${columnList(changing, (column, value) => `${column} = ${value}`)}
  from ${rowsIn("$1", { id, ...changing })}
  where o.id = v.id and o.state = $2
  returning o.id`;

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

function fromRow(row: typeof outbox.$inferSelect): OutboxEntry {
  const attempts = row.attempts.map((attempt) => ({
    ...attempt,
    maxFeePerGas: BigInt(attempt.maxFeePerGas),
    maxPriorityFeePerGas: BigInt(attempt.maxPriorityFeePerGas),
  }));
  return { ...row, attempts };
}
