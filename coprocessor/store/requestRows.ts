import { and, asc, desc, getTableColumns, inArray, isNotNull, isNull, not } from "drizzle-orm";
import type { DisputedProposal } from "../core/dispute.ts";
import type { ProposedOutput, RequestKey, RequestRecord } from "../core/request.ts";
import { type Queries, runText } from "./database.ts";
import type { RequestPatch, Store } from "./port.ts";
import { columnList, isOneOf, jsonOf, rowsIn } from "./recordset.ts";
import { requests, type StoredDispute, type StoredProposal } from "./schema.ts";

type Row = typeof requests.$inferSelect;

const columns = getTableColumns(requests);
const { key: _key, output: _output, outputHash: _outputHash, ...chainColumns } = columns;

/** Each may carry an input. */
const MAX_ROWS = 128;

/**
 * A row that a reorg removed is taken up again with what the chain says now, and with the output that we had.
 *
 * @param records Of different requests.
 */
export async function insertRequests(
  queries: Queries,
  schema: string,
  records: readonly RequestRecord[],
): Promise<RequestKey[]> {
  const text = insertText(schema);
  const inserted: RequestKey[] = [];
  for (let at = 0; at < records.length; at += MAX_ROWS) {
    const params = [jsonOf(records.slice(at, at + MAX_ROWS).map(toRow))];
    for (const { key } of await runText(queries, { text, params })) inserted.push(key as RequestKey);
  }
  return inserted;
}

const insertText = (schema: string): string => `insert into "${schema}".request as r
    (${columnList(columns, (column) => column)})
  select ${columnList(columns, (_column, value) => value)} from ${rowsIn("$1", columns)}
  on conflict (key) do update set ${columnList(chainColumns, (column) => `${column} = excluded.${column}`)}
  where r.removed
  returning r.key`;

export async function listRequests(
  queries: Queries,
  filter: Parameters<Store["requests"]>[0],
): Promise<RequestRecord[]> {
  const inStates = filter.states === undefined ? undefined : inArray(requests.state, [...filter.states]);
  const withKeys = filter.keys === undefined ? undefined : isOneOf(requests.key, filter.keys);
  const query = queries
    .select()
    .from(requests)
    .where(and(not(requests.removed), inStates, withKeys, isAbout(filter.about)))
    .orderBy(
      ...(filter.newestFirst === true
        ? [desc(requests.openedBlock), desc(requests.createdAt), asc(requests.key)]
        : [asc(requests.deadline), asc(requests.key)]),
    );
  const rows = await (filter.limit === undefined ? query : query.limit(filter.limit));
  return rows.map(fromRow);
}

function isAbout(about: "requests" | "disputes" | undefined) {
  if (about === undefined) return undefined;
  return about === "disputes" ? isNotNull(requests.dispute) : isNull(requests.dispute);
}

function toRow({ request, proposed, dispute, ...record }: RequestRecord): typeof requests.$inferInsert {
  return {
    ...record,
    ...request,
    proposed: toStored(proposed),
    dispute: toStoredDispute(dispute),
    removed: false,
  };
}

function fromRow({ modelId, inputHash, terms, opening, funds, removed: _, ...row }: Row): RequestRecord {
  const { proposed, dispute, ...columns } = row;
  return {
    ...columns,
    proposed: proposed === null ? null : fromStored(proposed),
    dispute: dispute === null ? null : fromStoredDispute(dispute),
    request: { modelId, inputHash, terms, opening, funds },
  };
}

const namedColumns = Object.entries(getTableColumns(requests));

/** @param raw A row as a driver gives it, by the names of SQL. */
export function readRequest(raw: Record<string, unknown>): RequestRecord {
  const values = namedColumns.map(([name, column]) => {
    const value = raw[column.name] ?? null;
    return [name, value === null ? null : column.mapFromDriverValue(value)];
  });
  return fromRow(Object.fromEntries(values) as Row);
}

/** A patch as JSON holds it: big numbers as decimal strings. */
export function storedPatch({ proposed, ...patch }: RequestPatch): Record<string, unknown> {
  const fields = Object.entries(proposed === undefined ? patch : { ...patch, proposed: toStored(proposed) });
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === "bigint" ? value.toString() : value]),
  );
}

function toStored(proposed: ProposedOutput | null): StoredProposal | null {
  if (proposed === null) return null;
  const { signers, gasOwed, ...rest } = proposed.proposal;
  return { ...rest, signers: signers.toString(), gasOwed: gasOwed.toString(), output: proposed.output };
}

function fromStored({ output, signers, gasOwed, ...rest }: StoredProposal): ProposedOutput {
  return { proposal: { ...rest, signers: BigInt(signers), gasOwed: BigInt(gasOwed) }, output };
}

function toStoredDispute(disputed: DisputedProposal | null): StoredDispute | null {
  if (disputed === null) return null;
  const { requestId, arbiter, output } = disputed;
  const { proposal, ...rest } = disputed.dispute;
  return { requestId, arbiter, ...rest, proposed: toStored({ proposal, output }) as StoredProposal };
}

function fromStoredDispute({ requestId, arbiter, proposed, ...rest }: StoredDispute): DisputedProposal {
  const { proposal, output } = fromStored(proposed);
  return { requestId, arbiter, dispute: { ...rest, proposal }, output };
}
