import { type Column, type SQL, sql } from "drizzle-orm";

/** Rows of values that go to the database as one parameter, so that a statement's text is the same however many they are. */
export interface Recordset {
  /** In a `from`; its columns are those of `v`. */
  source: SQL;
  /** All columns, in the order in which they were given. */
  columns: SQL;
  /** What to order by for the rows' own order. */
  place: SQL;
}

/** JSON with big integers as decimal strings, which Postgres takes for its own. */
export const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_name, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));

/**
 * @param rows Big integers may be in them.
 * @param types SQL type of each field that is wanted; fields must not need another name in SQL than in JSON.
 */
export function recordset(rows: readonly object[], types: Readonly<Record<string, string>>): Recordset {
  const names = Object.keys(types);
  const wanted = rows.map((row) => Object.fromEntries(names.map((name) => [name, Reflect.get(row, name)])));
  const json = jsonOf(wanted);
  const list = sql.raw(names.map((name) => `"${name}" ${types[name]}`).join(", "));
  const all = sql.raw(names.map((name) => `"${name}"`).join(", "));
  return {
    source: sql`rows from (jsonb_to_recordset(${json}::jsonb) as (${list})) with ordinality as v (${all}, "place")`,
    columns: sql.raw(names.map((name) => `v."${name}"`).join(", ")),
    place: sql.raw('v."place"'),
  };
}

/**
 * Rows in a parameter that holds them as JSON, named `v`, for statements that are written as text.
 *
 * @param parameter As `$1`.
 * @param columns Of a table; the rows' fields have the names of the schema, and so have the columns of `v`.
 */
export const rowsIn = (parameter: string, columns: Readonly<Record<string, Column>>): string => {
  const typed = Object.entries(columns).map(([name, column]) => `"${name}" ${column.getSQLType()}`);
  return `json_to_recordset(${parameter}::json) as v (${typed.join(", ")})`;
};

/** What `each` makes of a table's columns, as a list. @param each Of a column's name in SQL and of its value in `v`. */
export const columnList = (
  columns: Readonly<Record<string, Column>>,
  each: (column: string, value: string) => string,
): string =>
  Object.entries(columns)
    .map(([field, { name }]) => each(`"${name}"`, `v."${field}"`))
    .join(", ");

/** A list of texts as Postgres reads it. */
export const listOf = (values: readonly string[]): string =>
  `{${values.map((value) => JSON.stringify(value)).join(",")}}`;

/** Whether a text column holds one of these; the list is one parameter. */
export const isOneOf = (column: Column, values: readonly string[]): SQL =>
  sql`${column} = any(${listOf(values)}::text::text[])`;

/** The rows of a statement that drizzle only passes on; both drivers' results have them. */
export const rowsOf = <Row>(result: unknown): Row[] => (result as { rows: Row[] }).rows;
