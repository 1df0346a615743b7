import { asc, desc, eq, sql } from "drizzle-orm";
import type { Receipt, ReceiptSummary } from "../core/receipt.ts";
import type { RequestKey } from "../core/request.ts";
import type { Queries } from "./database.ts";
import { receipts } from "./schema.ts";

/** A job may run twice; the receipt of the run that was stored last counts. */
export async function putReceipt(queries: Queries, key: RequestKey, receipt: Receipt): Promise<void> {
  const row = { receipt, computedAt: receipt.computedAt };
  await queries
    .insert(receipts)
    .values({ key, ...row })
    .onConflictDoUpdate({ target: receipts.key, set: row });
}

export async function findReceipt(queries: Queries, key: RequestKey): Promise<Receipt | null> {
  const [row] = await queries
    .select({ receipt: receipts.receipt })
    .from(receipts)
    .where(eq(receipts.key, key));
  return row?.receipt ?? null;
}

export async function listReceipts(queries: Queries, limit: number): Promise<ReceiptSummary[]> {
  // Inputs may be large; the database leaves them out before they are sent.
  const summary = sql<ReceiptSummary>`${receipts.receipt} - 'input' - 'output'`;
  const rows = await queries
    .select({ summary })
    .from(receipts)
    .orderBy(desc(receipts.computedAt), asc(receipts.key))
    .limit(limit);
  return rows.map((row) => row.summary);
}
