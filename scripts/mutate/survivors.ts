import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Committed: why a mutant that no test kills does no harm, by the mutant's id. */
const EXPLAINED = join(import.meta.dirname, "..", "..", "test", "contracts", "mutation-survivors.json");

export function explainedSurvivors(): Map<string, string> {
  return new Map(Object.entries(JSON.parse(readFileSync(EXPLAINED, "utf8")) as Record<string, string>));
}
