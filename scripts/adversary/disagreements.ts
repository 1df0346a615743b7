import { readFileSync, statSync } from "node:fs";
import type { Arena } from "./arena.ts";

/** How long each honest node's log is now. */
export const logEnds = ({ network }: Arena): number[] =>
  network.operators.map(({ process: node }) => (node === null ? 0 : statSync(node.logFile).size));

/** Of these requests, how many some honest node said that operators disagree about, since then. */
export function disagreementsAbout(
  { network }: Arena,
  from: readonly number[],
  asked: { has(requestId: string): boolean },
): number {
  const about = new Set<string>();
  for (const [place, { process: node }] of network.operators.entries()) {
    if (node === null) continue;
    const lines = readFileSync(node.logFile).subarray(from[place]).toString("utf8").split("\n");
    for (const line of lines) {
      if (!line.includes("operators disagree")) continue;
      const { requestId } = JSON.parse(line) as { requestId: string };
      if (asked.has(requestId)) about.add(requestId);
    }
  }
  return about.size;
}
