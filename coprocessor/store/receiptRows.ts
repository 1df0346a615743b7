import { asc, desc, eq, sql } from "drizzle-orm";
import type { Receipt, ReceiptSummary } from "../core/receipt.ts";
import type { RequestKey } from "../core/request.ts";
import type { Queries } from "./database.ts";
import { recordset } from "./recordset.ts";
import { receipts } from "./schema.ts";

/** A job may run twice; the receipt of the run that was stored last counts. @param written Of different requests. */
export async function putReceipts(
  queries: Queries,
  written: readonly { key: RequestKey; receipt: Receipt }[],
): Promise<void> {
  if (written.length === 0) return;
  const withTime = written.map(({ key, receipt }) => ({ key, receipt, computedAt: receipt.computedAt }));
  const rows = recordset(withTime, { key: "text", receipt: "jsonb", computedAt: "bigint" });
  await queries.execute(sql`
    insert into ${receipts} ("key", "receipt", "computed_at")
    select ${rows.columns} from ${rows.source} order by ${rows.place}
    on conflict ("key") do update set "receipt" = excluded."receipt", "computed_at" = excluded."computed_at"
  `);
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
