import { asc, lt, sql } from "drizzle-orm";
import type { BlockRef } from "../core/block.ts";
import type { Queries } from "./database.ts";
import { blocks } from "./schema.ts";

/** Heads of stored steps, oldest first. */
export async function listBlocks(queries: Queries): Promise<BlockRef[]> {
  return queries.select().from(blocks).orderBy(asc(blocks.number));
}

export async function putBlock(queries: Queries, block: BlockRef): Promise<void> {
  const { number: _, ...rest } = block;
  await queries.insert(blocks).values(block).onConflictDoUpdate({ target: blocks.number, set: rest });
}

/** Removes all heads below the newest one that is final. */
export async function pruneBlocks(queries: Queries, finalized: bigint): Promise<void> {
  const newest = sql`(select max(${blocks.number}) from ${blocks} where ${blocks.number} <= ${finalized})`;
  await queries.delete(blocks).where(lt(blocks.number, newest));
}
