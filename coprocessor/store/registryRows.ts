import { and, desc, eq, getTableColumns, gt, lte, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Address, Hex } from "viem";
import type { EnrolmentRecord, ModelRecord, OperatorRecord } from "../core/operators.ts";
import type { Queries } from "./database.ts";
import { enrolmentVersions, modelVersions, operatorVersions } from "./schema.ts";

/** Each table of versions, with the columns that name what a row is a version of. */
const VERSIONED: readonly { table: PgTable; block: PgColumn; subject: readonly PgColumn[] }[] = [
  { table: operatorVersions, block: operatorVersions.block, subject: [operatorVersions.operatorId] },
  {
    table: enrolmentVersions,
    block: enrolmentVersions.block,
    subject: [enrolmentVersions.modelId, enrolmentVersions.operatorId],
  },
  { table: modelVersions, block: modelVersions.block, subject: [modelVersions.modelId] },
];

export async function putOperator(queries: Queries, record: OperatorRecord, block: bigint): Promise<void> {
  const { owner, attester, endpoint } = record;
  await queries
    .insert(operatorVersions)
    .values({ ...record, block })
    .onConflictDoUpdate({
      target: [operatorVersions.operatorId, operatorVersions.block],
      set: { owner, attester, endpoint },
    });
}

export async function putEnrolment(queries: Queries, record: EnrolmentRecord, block: bigint): Promise<void> {
  const { attester, weight, activeFrom } = record;
  await queries
    .insert(enrolmentVersions)
    .values({ ...record, block })
    .onConflictDoUpdate({
      target: [enrolmentVersions.modelId, enrolmentVersions.operatorId, enrolmentVersions.block],
      set: { attester, weight, activeFrom },
    });
}

export async function putModel(queries: Queries, record: ModelRecord, block: bigint): Promise<void> {
  const { publisher, manifestURI, profile } = record;
  await queries
    .insert(modelVersions)
    .values({ ...record, block })
    .onConflictDoUpdate({
      target: [modelVersions.modelId, modelVersions.block],
      set: { publisher, manifestURI, profile },
    });
}

export async function listOperators(queries: Queries): Promise<OperatorRecord[]> {
  const { block: _, ...columns } = getTableColumns(operatorVersions);
  return queries
    .selectDistinctOn([operatorVersions.operatorId], columns)
    .from(operatorVersions)
    .orderBy(operatorVersions.operatorId, desc(operatorVersions.block));
}

export async function findOperator(queries: Queries, operatorId: number): Promise<OperatorRecord | null> {
  const { block: _, ...columns } = getTableColumns(operatorVersions);
  const [row] = await queries
    .select(columns)
    .from(operatorVersions)
    .where(eq(operatorVersions.operatorId, operatorId))
    .orderBy(desc(operatorVersions.block))
    .limit(1);
  return row ?? null;
}

export async function findOperatorByAttester(
  queries: Queries,
  attester: Address,
): Promise<OperatorRecord | null> {
  const wanted = attester.toLowerCase();
  return (
    (await listOperators(queries)).find((operator) => operator.attester.toLowerCase() === wanted) ?? null
  );
}

export async function listEnrolments(queries: Queries, modelId: Hex): Promise<EnrolmentRecord[]> {
  const { block: _, ...columns } = getTableColumns(enrolmentVersions);
  const current = await queries
    .selectDistinctOn([enrolmentVersions.operatorId], columns)
    .from(enrolmentVersions)
    .where(eq(enrolmentVersions.modelId, modelId))
    .orderBy(enrolmentVersions.operatorId, desc(enrolmentVersions.block));
  return current.filter((enrolment) => enrolment.weight > 0n);
}

export async function holdsSeat(queries: Queries, operatorId: number): Promise<boolean> {
  const current = await queries
    .selectDistinctOn([enrolmentVersions.modelId], { weight: enrolmentVersions.weight })
    .from(enrolmentVersions)
    .where(eq(enrolmentVersions.operatorId, operatorId))
    .orderBy(enrolmentVersions.modelId, desc(enrolmentVersions.block));
  return current.some(({ weight }) => weight > 0n);
}

export async function findModel(queries: Queries, modelId: Hex): Promise<ModelRecord | null> {
  const { block: _, ...columns } = getTableColumns(modelVersions);
  const [row] = await queries
    .select(columns)
    .from(modelVersions)
    .where(eq(modelVersions.modelId, modelId))
    .orderBy(desc(modelVersions.block))
    .limit(1);
  return row ?? null;
}

/** Takes back what blocks after `ancestor` said. */
export async function rewindRegistry(queries: Queries, ancestor: bigint): Promise<void> {
  for (const { table, block } of VERSIONED) await queries.delete(table).where(gt(block, ancestor));
}

/** Forgets versions that no reorg can bring back: those that a later one, not after `block`, replaced. */
export async function pruneRegistry(queries: Queries, block: bigint): Promise<void> {
  for (const { table, block: version, subject } of VERSIONED) {
    const same = sql.join(
      subject.map((column) => sql`newer.${sql.identifier(column.name)} = ${column}`),
      sql` and `,
    );
    const replaced = sql`exists (select 1 from ${table} newer
      where ${same} and newer.block > ${version} and newer.block <= ${block})`;
    await queries.delete(table).where(and(lte(version, block), replaced));
  }
}
