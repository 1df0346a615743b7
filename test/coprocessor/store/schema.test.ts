import { is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import {
  MIGRATIONS,
  type Migration,
  type MigrationSession,
  migrate,
} from "../../../coprocessor/store/migrate.ts";
import * as schema from "../../../coprocessor/store/schema.ts";
import { collectedLog } from "../collectedLog.ts";
import { temporaryFolder } from "./embedded.ts";

const folder = temporaryFolder();
const log = collectedLog();
let database: EmbeddedDatabase;

beforeAll(async () => {
  database = await openEmbeddedDatabase({ ...folder.options, searchPath: "bullmq", log });
});
afterAll(async () => {
  await database?.close();
  folder.remove();
});

const inTransaction = (work: (session: MigrationSession) => Promise<void>) =>
  database.pglite.transaction((transaction) =>
    work({
      script: async (sql) => void (await transaction.exec(sql)),
      rows: async (sql, params) =>
        (await transaction.query<Record<string, unknown>>(sql, [...(params ?? [])])).rows,
    }),
  );

describe("schema", () => {
  test("the migrations make the tables, columns and indexes that queries expect", async () => {
    await (await createDrizzleStore({ database, log })).close();
    const tables = Object.values(schema).flatMap((value: unknown) => (is(value, PgTable) ? [value] : []));
    expect(tables.length).toBeGreaterThan(5);
    for (const table of tables) {
      const { name, schema: inSchema, columns, indexes } = getTableConfig(table);
      const actual = await database.pglite.query(
        `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "notNull"
         from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 order by a.attnum`,
        [`${inSchema}.${name}`],
      );
      const expected = columns.map((column) => ({
        name: column.name,
        type: column.getSQLType().replace("bigserial", "bigint").replace(", ", ","),
        notNull: column.notNull || column.primary,
      }));
      expect(actual.rows).toEqual(expected);
      const actualIndexes = await database.pglite.query<{ name: string }>(
        "select indexname as name from pg_indexes where schemaname = $1 and tablename = $2 and indexname not like '%pkey'",
        [inSchema, name],
      );
      expect(actualIndexes.rows.map((row) => row.name).sort()).toEqual(
        indexes.map((index) => index.config.name).sort(),
      );
    }
  });

  test("opening twice applies nothing twice", async () => {
    await (await createDrizzleStore({ database, log })).close();
    await (await createDrizzleStore({ database, log })).close();
    const { rows } = await database.pglite.query(
      "select version, name from sibyl.migration order by version",
    );
    expect(rows).toEqual(MIGRATIONS.map(({ version, name }) => ({ version, name })));
    const versions = MIGRATIONS.map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  test("a step that fails leaves the database as it was", async () => {
    await (await createDrizzleStore({ database, log })).close();
    const newest = MIGRATIONS.at(-1)?.version ?? 0;
    const next = newest + 1;
    const broken: Migration[] = [
      ...MIGRATIONS,
      { version: next, name: "fine", sql: "create table sibyl.half_way (id integer)" },
      { version: next + 1, name: "broken", sql: "create table sibyl.half_way (id integer)" },
    ];
    await expect(inTransaction((session) => migrate(session, broken))).rejects.toThrow("already exists");
    const { rows } = await database.pglite.query(
      "select to_regclass('sibyl.half_way') as found, max(version) as version from sibyl.migration",
    );
    expect(rows).toEqual([{ found: null, version: newest }]);
  });

  test("a database that a newer release migrated is refused", async () => {
    await (await createDrizzleStore({ database, log })).close();
    const future = { version: 99, name: "future", sql: "" };
    await inTransaction((session) => migrate(session, [...MIGRATIONS, future]));
    const reopened = createDrizzleStore({ database, log });
    await expect(reopened).rejects.toBeInstanceOf(CoprocessorError);
    await expect(reopened).rejects.toMatchObject({
      code: "store/schema-too-new",
      meta: { databaseVersion: 99 },
    });
    await database.pglite.exec("delete from sibyl.migration where version = 99");
  });
});
