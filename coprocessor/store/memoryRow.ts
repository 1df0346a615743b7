import type { MemoryBeginning } from "../core/memory.ts";
import type { Queries } from "./database.ts";
import { memory } from "./schema.ts";

/** The table's only row. */
const ID = 1;

const COLUMNS = { block: memory.block, timestamp: memory.timestamp };

export async function findMemory(queries: Queries): Promise<MemoryBeginning | null> {
  const [row] = await queries.select(COLUMNS).from(memory);
  return row ?? null;
}

export async function beginMemory(queries: Queries, began: MemoryBeginning): Promise<MemoryBeginning> {
  await queries
    .insert(memory)
    .values({ id: ID, ...began })
    .onConflictDoNothing();
  return (await findMemory(queries)) ?? began;
}
