import { readFileSync } from "node:fs";

/** A vector file's cases; see test/vectors/README.md for what each file holds. */
export function readVectors<Case>(name: string, list = "cases"): Case[] {
  const path = new URL(`../vectors/${name}.json`, import.meta.url);
  const cases = JSON.parse(readFileSync(path, "utf8"))[list] as Case[];
  if (cases.length === 0) throw new Error(`test/vectors/${name}.json has no ${list}`);
  return cases;
}
