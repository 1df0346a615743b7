import { asc, eq, inArray } from "drizzle-orm";
import type { RequestKey } from "../core/request.ts";
import type { WatchRecord } from "../core/watch.ts";
import type { Queries } from "./database.ts";
import type { Store } from "./port.ts";
import { watches } from "./schema.ts";

export async function putWatch(queries: Queries, record: WatchRecord): Promise<void> {
  const { key: _, createdAt: _created, ...changed } = record;
  await queries.insert(watches).values(record).onConflictDoUpdate({ target: watches.key, set: changed });
}

export async function findWatch(queries: Queries, key: RequestKey): Promise<WatchRecord | null> {
  const [row] = await queries.select().from(watches).where(eq(watches.key, key));
  return row ?? null;
}

export async function listWatches(
  queries: Queries,
  { states, limit }: Parameters<Store["watches"]>[0],
): Promise<WatchRecord[]> {
  return queries
    .select()
    .from(watches)
    .where(inArray(watches.state, [...states]))
    .orderBy(asc(watches.windowEndsAt), asc(watches.key))
    .limit(limit);
}
