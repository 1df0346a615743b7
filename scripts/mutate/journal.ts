import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Outcome } from "./trial.ts";

export interface Trial {
  id: string;
  outcome: Outcome;
}

/** The trials of one run, kept in a file line by line, so that a run that was stopped can go on. */
export class Journal {
  readonly #path: string;
  /** What earlier runs found, by mutant. */
  readonly done: ReadonlyMap<string, Outcome>;

  /**
   * @param run What makes trials comparable: the seed and a hash of all sources. A journal of another run is begun anew.
   * @param resume False begins anew as well.
   */
  constructor(path: string, run: string, resume: boolean) {
    this.#path = path;
    const [header, ...trials] = resume ? linesOf(path) : [];
    const known = header === run ? trials.map((line) => JSON.parse(line) as Trial) : [];
    this.done = new Map(known.map(({ id, outcome }) => [id, outcome]));
    mkdirSync(dirname(path), { recursive: true });
    if (known.length === 0) writeFileSync(path, `${run}\n`);
  }

  add(trial: Trial): void {
    appendFileSync(this.#path, `${JSON.stringify(trial)}\n`);
  }
}

function linesOf(path: string): string[] {
  try {
    // The last line may be cut where the run was.
    return readFileSync(path, "utf8").split("\n").slice(0, -1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
