import type { Mutant } from "./mutants.ts";
import type { MutationOptions } from "./options.ts";
import type { Outcome } from "./trial.ts";

/** Percent of mutants that the tests must kill. */
const LEAST_KILLED_PERCENT = 90;
/** Mutants that a run without `--files` and `--limit` must have tried. */
const LEAST_MUTANTS = 150;

export interface Finding {
  mutant: Mutant;
  outcome: Outcome;
}

export interface Verdict {
  seed: string;
  counts: Record<Outcome["kind"], number>;
  /** Mutants that were programs of their own: killed, timed out or survived. */
  tried: number;
  /** Killed or timed out, in percent of those tried. */
  killedPercent: number;
  survivors: { mutant: Mutant; why: string | undefined }[];
  /** What falls short, in words. */
  missed: string[];
}

/** @param explained Reasons by mutant id. They say why a survivor is there; it counts as survivor all the same. */
export function verdictOn(
  findings: readonly Finding[],
  { seed, limit }: Pick<MutationOptions, "seed" | "limit">,
  explained: ReadonlyMap<string, string>,
): Verdict {
  const counts = { killed: 0, "timed out": 0, survived: 0, "does not compile": 0, equivalent: 0 };
  for (const { outcome } of findings) counts[outcome.kind] += 1;
  const killed = counts.killed + counts["timed out"];
  const tried = killed + counts.survived;
  const killedPercent = tried === 0 ? 0 : (100 * killed) / tried;
  const missed: string[] = [];
  if (killedPercent < LEAST_KILLED_PERCENT)
    missed.push(
      `${killedPercent.toFixed(1)}% of ${tried} mutants killed, at least ${LEAST_KILLED_PERCENT}% wanted`,
    );
  if (limit >= LEAST_MUTANTS && tried < LEAST_MUTANTS)
    missed.push(`${tried} mutants tried, at least ${LEAST_MUTANTS} wanted`);
  const survivors = findings
    .filter(({ outcome }) => outcome.kind === "survived")
    .map(({ mutant }) => ({ mutant, why: explained.get(mutant.id) }))
    .sort((a, b) => (a.mutant.id < b.mutant.id ? -1 : 1));
  return { seed, counts, tried, killedPercent, survivors, missed };
}

export function printReport({ seed, counts, tried, killedPercent, survivors, missed }: Verdict): void {
  for (const { mutant, why } of survivors) {
    console.log(`\nsurvived: ${mutant.source}:${mutant.line}  ${mutant.operator}`);
    console.log(mutant.before.replace(/^/gm, "  - "));
    console.log(mutant.after.replace(/^/gm, "  + "));
    console.log(why === undefined ? `  unexplained: ${mutant.id}` : `  explained: ${why}`);
  }
  const unexplained = survivors.filter(({ why }) => why === undefined).length;
  console.log(
    `\nSeed ${seed}: ${tried} mutants, ${counts.killed} killed, ${counts["timed out"]} timed out, ${counts.survived} survived (${unexplained} unexplained): ${killedPercent.toFixed(1)}% killed. Besides, ${counts["does not compile"]} did not compile and ${counts.equivalent} were the same bytecode.`,
  );
  for (const line of missed) console.error(`Missed: ${line}`);
}

export function jsonOf({ survivors, ...rest }: Verdict): object {
  return {
    ...rest,
    survivors: survivors.map(({ mutant: { id, source, line, operator, before, after }, why }) => ({
      id,
      source,
      line,
      operator,
      before,
      after,
      why: why ?? null,
    })),
  };
}
