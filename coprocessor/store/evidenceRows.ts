import { and, asc, count, desc, eq, gt, inArray, lte, notInArray, sql } from "drizzle-orm";
import type { Hex } from "viem";
import {
  DEMANDABLE,
  type EvidenceProof,
  type EvidenceSummary,
  MAX_EVIDENCE_PER_OPERATOR,
  REPORTABLE,
} from "../core/evidence.ts";
import type { DemandRecord } from "../core/opening.ts";
import type { RequestKey } from "../core/request.ts";
import type { Queries } from "./database.ts";
import type { DemandClosing, EvidenceStore } from "./port.ts";
import { evidence, openingDemands, slashes } from "./schema.ts";

/** How a store runs a query: named, and in its own transaction if it speaks for one. */
export interface RowAccess {
  read<T>(operation: string, query: (queries: Queries) => PromiseLike<T>): Promise<T>;
  write<T>(operation: string, query: (queries: Queries) => PromiseLike<T>): Promise<T>;
  writeTogether<T>(operation: string, query: (queries: Queries) => Promise<T>): Promise<T>;
}

/** Rows that a contract judges are never given up for want of room. */
const JUDGED = [...REPORTABLE, ...DEMANDABLE];

export function createEvidenceRows({ read, write, writeTogether }: RowAccess): EvidenceStore {
  return {
    add: (key, proof) => writeTogether("addEvidence", (queries) => addEvidence(queries, key, proof)),
    find: (id) =>
      read("findEvidence", async (queries) => {
        const [row] = await queries
          .select({ proof: evidence.proof })
          .from(evidence)
          .where(eq(evidence.id, id));
        return row?.proof ?? null;
      }),
    list: (filter) => read("listEvidence", (queries) => listEvidence(queries, filter)),
    reportable: () => read("reportableEvidence", reportable),
    putDemand: (record) => write("putDemand", (queries) => putDemand(queries, record)),
    demand: (demandId) =>
      read("demand", async (queries) => {
        const [row] = await queries
          .select()
          .from(openingDemands)
          .where(eq(openingDemands.demandId, demandId));
        return row === undefined ? null : fromRow(row);
      }),
    demands: ({ states, limit }) =>
      read("demands", async (queries) => {
        const rows = await queries
          .select()
          .from(openingDemands)
          .where(inArray(openingDemands.state, [...states]))
          .orderBy(desc(openingDemands.deadline), asc(openingDemands.demandId))
          .limit(limit);
        return rows.map(fromRow);
      }),
    closeDemand: (demandId, closing) =>
      write("closeDemand", (queries) => closeDemand(queries, demandId, closing)),
    noteDemand: (demandId, note) =>
      write("noteDemand", async (queries) => {
        await queries.update(openingDemands).set(note).where(eq(openingDemands.demandId, demandId));
      }),
    putSlash: (record, block) =>
      write("putSlash", async (queries) => {
        await queries
          .insert(slashes)
          .values({ ...record, block })
          .onConflictDoNothing();
      }),
    slash: (operatorId) =>
      read("slash", async (queries) => {
        const [row] = await queries.select().from(slashes).where(eq(slashes.operatorId, operatorId));
        if (row === undefined) return null;
        const { block: _, ...record } = row;
        return record;
      }),
  };
}

/** Takes back what blocks after `ancestor` said about demands and slashes. */
export async function rewindEvidence(queries: Queries, ancestor: bigint): Promise<void> {
  await queries.delete(openingDemands).where(gt(openingDemands.demandedBlock, ancestor));
  await queries
    .update(openingDemands)
    .set({ state: "pending", closedBlock: null, amountWei: null, rewardWei: null })
    .where(gt(openingDemands.closedBlock, ancestor));
  await queries.delete(slashes).where(gt(slashes.block, ancestor));
}

async function addEvidence(queries: Queries, key: RequestKey, proof: EvidenceProof): Promise<boolean> {
  const { id, operatorId, offence, kind, foundAt } = proof;
  const rows = await queries
    .insert(evidence)
    .values({ id, key, operatorId, offence, kind, proof, foundAt })
    .onConflictDoNothing()
    .returning({ id: evidence.id });
  if (rows.length === 0) return false;
  const [held] = await queries
    .select({ rows: count() })
    .from(evidence)
    .where(eq(evidence.operatorId, operatorId));
  const excess = (held?.rows ?? 0) - MAX_EVIDENCE_PER_OPERATOR;
  if (excess <= 0) return true;
  const oldest = queries
    .select({ id: evidence.id })
    .from(evidence)
    .where(and(eq(evidence.operatorId, operatorId), notInArray(evidence.offence, JUDGED)))
    .orderBy(asc(evidence.foundAt), asc(evidence.id))
    .limit(excess);
  const gone = await queries
    .delete(evidence)
    .where(inArray(evidence.id, oldest))
    .returning({ id: evidence.id });
  if (gone.length === excess) return true;
  // Only what contracts judge is left of this operator: one is as good as hundreds, and the first ones are kept.
  await queries.delete(evidence).where(eq(evidence.id, id));
  return false;
}

/** Statements and outputs may be large; the database leaves them out before they are sent. */
const SUMMARY = sql<EvidenceSummary>`${evidence.proof} - 'statements' - 'outputs' - 'ours' - 'request'`;
const MAX_REPORTABLE = 64;

async function reportable(queries: Queries): Promise<EvidenceSummary[]> {
  const slashed = queries.select({ operatorId: slashes.operatorId }).from(slashes);
  const rows = await queries
    .selectDistinctOn([evidence.operatorId], { summary: SUMMARY })
    .from(evidence)
    .where(and(inArray(evidence.offence, [...REPORTABLE]), notInArray(evidence.operatorId, slashed)))
    .orderBy(asc(evidence.operatorId), asc(evidence.foundAt), asc(evidence.id))
    .limit(MAX_REPORTABLE);
  return rows.map((row) => row.summary);
}

async function listEvidence(
  queries: Queries,
  { operatorId, kind, offences, limit }: Parameters<EvidenceStore["list"]>[0],
): Promise<EvidenceSummary[]> {
  const rows = await queries
    .select({ summary: SUMMARY })
    .from(evidence)
    .where(
      and(
        operatorId === undefined ? undefined : eq(evidence.operatorId, operatorId),
        kind === undefined ? undefined : eq(evidence.kind, kind),
        offences === undefined ? undefined : inArray(evidence.offence, [...offences]),
      ),
    )
    .orderBy(desc(evidence.foundAt), asc(evidence.id))
    .limit(limit);
  return rows.map((row) => row.summary);
}

/** A demand that a reorg brought into another block is told again, and its deadline may be another. */
async function putDemand(queries: Queries, record: DemandRecord): Promise<void> {
  const { demandId: _, output, parkedReason, ...said } = record;
  await queries
    .insert(openingDemands)
    .values({ ...record, operatorId: record.demand.operatorId })
    .onConflictDoUpdate({ target: openingDemands.demandId, set: said });
}

async function closeDemand(queries: Queries, demandId: Hex, closing: DemandClosing): Promise<boolean> {
  const rows = await queries
    .update(openingDemands)
    .set(closing)
    .where(and(eq(openingDemands.demandId, demandId), lte(openingDemands.demandedBlock, closing.closedBlock)))
    .returning({ demandId: openingDemands.demandId });
  return rows.length > 0;
}

function fromRow({ operatorId: _, ...row }: typeof openingDemands.$inferSelect): DemandRecord {
  return row;
}
