import { CoprocessorError } from "../core/errors.ts";
import { initial } from "./migrations/0001_initial.ts";
import { receipts } from "./migrations/0002_receipts.ts";
import { modelProfile } from "./migrations/0003_modelProfile.ts";
import { proposal } from "./migrations/0004_proposal.ts";
import { disputes } from "./migrations/0005_disputes.ts";
import { evidence } from "./migrations/0006_evidence.ts";
import { memory } from "./migrations/0008_memory.ts";
import { nodeLease } from "./migrations/0010_nodeLease.ts";

/** One step of the schema. Never changed once released; a change is a new step. */
export interface Migration {
  /** Increasing from 1. */
  version: number;
  name: string;
  /** A script; every statement may run inside a transaction, every name carries its schema, `sibyl`, and nothing else is called so. */
  sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  initial,
  receipts,
  modelProfile,
  proposal,
  disputes,
  evidence,
  memory,
  nodeLease,
];

/** One session inside an open transaction. */
export interface MigrationSession {
  script(sql: string): Promise<void>;
  rows(sql: string, params?: readonly unknown[]): Promise<Record<string, unknown>[]>;
}

/** Key of the advisory lock that makes processes migrate one after the other; spells `sibyl`. */
export const MIGRATION_LOCK = BigInt("0x736962796c").toString();

/**
 * Brings a schema up to the newest step, inside the caller's transaction.
 *
 * @param schema What `sibyl` is called in this database.
 * @throws CoprocessorError `store/schema-too-new` when a newer release has migrated this database.
 */
export async function migrate(
  session: MigrationSession,
  migrations: readonly Migration[] = MIGRATIONS,
  now: number = Date.now(),
  schema = "sibyl",
): Promise<void> {
  // The lease is the database's, whichever oracles' rows it guards.
  const placed = (sql: string) => sql.replaceAll(/\bsibyl\.(?!node_lease\b)/g, `${schema}.`);
  await session.rows("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  await session.script(`
    create schema if not exists ${schema};
    create table if not exists ${schema}.migration (
      version integer primary key,
      name text not null,
      applied_at bigint not null
    );
  `);
  const rows = await session.rows(`select version from ${schema}.migration`);
  const applied = new Set(rows.map(({ version }) => Number(version)));
  const current = Math.max(0, ...applied);
  const newest = migrations.at(-1)?.version ?? 0;
  if (current > newest) {
    throw new CoprocessorError(`the database has schema version ${current}, this release knows ${newest}`, {
      code: "store/schema-too-new",
      retry: "never",
      meta: { databaseVersion: current, knownVersion: newest },
    });
  }
  for (const migration of migrations) {
    // Not only those above the newest: steps that were written side by side come in any order.
    if (applied.has(migration.version)) continue;
    await session.script(placed(migration.sql));
    const record = [migration.version, migration.name, now];
    await session.rows(
      `insert into ${schema}.migration (version, name, applied_at) values ($1, $2, $3)`,
      record,
    );
  }
}
