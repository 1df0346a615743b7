import { and, asc, desc, eq, getTableColumns, inArray, isNotNull, isNull, not, sql } from "drizzle-orm";
import type { DisputedProposal } from "../core/dispute.ts";
import type { ProposedOutput, RequestKey, RequestRecord, RequestState } from "../core/request.ts";
import type { Queries } from "./database.ts";
import type { RequestPatch, Store } from "./port.ts";
import { isOneOf, jsonOf } from "./recordset.ts";
import { requests, type StoredDispute, type StoredProposal } from "./schema.ts";
import { inPowersOfTwo } from "./statementSizes.ts";

type Row = typeof requests.$inferSelect;

const { key: _key, output: _output, outputHash: _outputHash, ...chainColumns } = getTableColumns(requests);

/** Rows of one statement: each has some 30 parameters. */
const MAX_ROWS = 128;

/** A row that a reorg removed is taken up again with what the chain says now, and with the output that we had. */
export async function insertRequests(
  queries: Queries,
  records: readonly RequestRecord[],
): Promise<RequestKey[]> {
  const inserted: RequestKey[] = [];
  for (const rows of inPowersOfTwo(records, MAX_ROWS)) inserted.push(...(await insertRows(queries, rows)));
  return inserted;
}

async function insertRows(queries: Queries, records: readonly RequestRecord[]): Promise<RequestKey[]> {
  const rows = await queries
    .insert(requests)
    .values(records.map(toRow))
    .onConflictDoUpdate({
      target: requests.key,
      set: Object.fromEntries(
        Object.entries(chainColumns).map(([name, column]) => [
          name,
          sql`excluded.${sql.identifier(column.name)}`,
        ]),
      ),
      setWhere: eq(requests.removed, true),
    })
    .returning({ key: requests.key });
  return rows.map(({ key }) => key);
}

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

/** A change of one row, if it is in one of the states that it is to be changed from. */
export interface RequestMove {
  key: RequestKey;
  from: readonly RequestState[];
  to: RequestState;
  patch?: RequestPatch;
}

/** @param moves Of different requests. @returns the rows that were changed, by key. */
export async function moveRequests(
  queries: Queries,
  moves: readonly RequestMove[],
  now: number,
): Promise<Map<RequestKey, RequestRecord>> {
  const alike = new Map<string, RequestMove[]>();
  for (const move of moves) {
    const form = JSON.stringify([move.to, move.from, Object.keys(move.patch ?? {})]);
    alike.set(form, [...(alike.get(form) ?? []), move]);
  }
  const moved = new Map<RequestKey, RequestRecord>();
  for (const some of alike.values()) {
    for (const record of await moveAlike(queries, some, now)) moved.set(record.key, record);
  }
  return moved;
}

/** Moves between the same states that change the same columns. */
async function moveAlike(
  queries: Queries,
  moves: readonly RequestMove[],
  now: number,
): Promise<RequestRecord[]> {
  const [{ from, to }] = moves as [RequestMove];
  const patches = new Map(moves.map(({ key, patch }) => [key, toColumns(patch ?? {})]));
  const values = jsonOf(Object.fromEntries(patches));
  const names = Object.keys(patches.values().next().value ?? {}) as (keyof RequestPatch)[];
  const columns = names.map((name) => {
    const type = requests[name].getSQLType();
    const value = sql.raw(`patch.of -> "request"."key" ${type === "jsonb" ? "->" : "->>"} '${name}'`);
    return [name, type === "jsonb" ? sql`nullif(${value}, 'null')` : sql`(${value})::${sql.raw(type)}`];
  });
  const rows = await queries
    .update(requests)
    .set({ ...Object.fromEntries(columns), state: to, updatedAt: now })
    .from(sql`(select ${values}::jsonb as of) as patch`)
    .where(
      and(
        isOneOf(requests.key, [...patches.keys()]),
        inArray(requests.state, [...from]),
        not(requests.removed),
      ),
    )
    .returning(getTableColumns(requests));
  return rows.map(fromRow);
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

function toColumns({ proposed, ...patch }: RequestPatch): Partial<typeof requests.$inferInsert> {
  return proposed === undefined ? patch : { ...patch, proposed: toStored(proposed) };
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
