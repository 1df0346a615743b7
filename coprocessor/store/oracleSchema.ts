import type { Address } from "viem";
import { MIGRATION_LOCK, type MigrationSession } from "./migrate.ts";

/** The oracle that rows are about. */
export interface RowsOf {
  chainId: number;
  oracle: Address;
}

/** What queries and migrations call the schema of an oracle's rows, and what it is called where there is one oracle alone. */
export const LOGICAL_SCHEMA = "sibyl";

/** A schema's name goes into statements as text. */
const SCHEMA_PATTERN = /^sibyl(_\d{1,16}_[0-9a-f]{40})?$/;

export function requireSchemaName(name: string): string {
  if (!SCHEMA_PATTERN.test(name)) throw new Error(`${name} is no name of a schema of ours`);
  return name;
}

/**
 * The schema that holds an oracle's rows in this database.
 *
 * Each oracle has a schema of its own, so that no query can mix two of them up. The first oracle of a database is in
 * `sibyl`, where it was when a node followed one alone; the schema's comment says whose it is. An oracle keeps its schema
 * for ever, however many are followed beside it: what was signed stands there.
 *
 * @param alone Whether the node follows this oracle alone: then it may take a `sibyl` that is nobody's yet.
 */
export async function schemaOf(session: MigrationSession, of: RowsOf, alone: boolean): Promise<string> {
  await session.rows("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  const oracle = of.oracle.toLowerCase();
  const name = `${of.chainId}/${oracle}`;
  const own = requireSchemaName(`${LOGICAL_SCHEMA}_${of.chainId}_${oracle.slice(2)}`);
  const exists = async (schema: string) =>
    (await session.rows("select 1 from pg_namespace where nspname = $1", [schema])).length > 0;
  if (await exists(own)) return own;
  const owner = (await exists(LOGICAL_SCHEMA)) ? await ownerOf(session) : null;
  if (owner === null ? !alone : owner !== name) return own;
  await session.script(`create schema if not exists ${LOGICAL_SCHEMA};
    comment on schema ${LOGICAL_SCHEMA} is '${name}';`);
  return LOGICAL_SCHEMA;
}

/** Whose rows `sibyl` holds; null when nothing in it tells. */
async function ownerOf(session: MigrationSession): Promise<string | null> {
  const [schema] = await session.rows(
    "select obj_description(oid, 'pg_namespace') as owner from pg_namespace where nspname = $1",
    [LOGICAL_SCHEMA],
  );
  if (typeof schema?.owner === "string") return schema.owner;
  const [table] = await session.rows("select to_regclass('sibyl.request') as request");
  if (table?.request == null) return null;
  const [row] = await session.rows("select chain_id, oracle from sibyl.request limit 1");
  return row === undefined ? null : `${row.chain_id}/${String(row.oracle).toLowerCase()}`;
}
