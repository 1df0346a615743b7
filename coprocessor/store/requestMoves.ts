import { getTableColumns } from "drizzle-orm";
import type { RequestKey, RequestRecord, RequestState } from "../core/request.ts";
import { type Queries, runText, type TextStatement } from "./database.ts";
import type { RequestPatch } from "./port.ts";
import { listOf } from "./recordset.ts";
import { readRequest, storedPatch } from "./requestRows.ts";
import { requests } from "./schema.ts";

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
  schema: string,
  moves: readonly RequestMove[],
  now: number,
): Promise<Map<RequestKey, RequestRecord>> {
  if (moves.length === 0) return new Map();
  return movedIn(await runText(queries, moveStatement(moveText(schema), moves, now)));
}

/** @param text What `moveText` made, or begins with it. */
export function moveStatement(text: string, moves: readonly RequestMove[], now: number): TextStatement {
  const of = Object.fromEntries(
    moves.map(({ key, from, to, patch = {} }) => [key, { from, to, patch: storedPatch(patch) }]),
  );
  return { text, params: [JSON.stringify(of), listOf(moves.map(({ key }) => key)), now] };
}

/** @param rows What a statement of moves returned. */
export function movedIn(rows: readonly Record<string, unknown>[]): Map<RequestKey, RequestRecord> {
  return new Map(rows.map(readRequest).map((record) => [record.key, record]));
}

/** Columns that a move may set; a patch names them as the schema does. */
const PATCHABLE = [
  "reason",
  "output",
  "outputHash",
  "proposed",
  "proposedBlock",
  "challengedBlock",
  "disputeId",
  "verdict",
  "closedBlock",
  "closedTransaction",
  "settledOutput",
  "callbackFailed",
] as const satisfies readonly (keyof RequestPatch)[];

/** A column's new value if the row's patch has one, else what it holds. */
const CHANGES = PATCHABLE.map((name) => {
  const column = requests[name];
  const type = column.getSQLType();
  const patch = "moves.of -> r.key -> 'patch'";
  const value =
    type === "jsonb" ? `nullif(${patch} -> '${name}', 'null')` : `(${patch} ->> '${name}')::${type}`;
  return `"${column.name}" = case when ${patch} ? '${name}' then ${value} else r."${column.name}" end`;
}).join(", ");

const COLUMNS = Object.values(getTableColumns(requests))
  .map(({ name }) => `r."${name}"`)
  .join(", ");

/** One statement for all moves, each with its own states and columns; the same text whatever they are. */
export const moveText = (schema: string): string => `update "${schema}"."request" r
  set state = moves.of -> r.key ->> 'to', updated_at = $3, ${CHANGES}
  from (select $1::jsonb as of) moves
  where r.key = any($2::text::text[]) and moves.of -> r.key -> 'from' ? r.state and not r.removed
  returning ${COLUMNS}`;
