import { parseArgs } from "node:util";

export interface MutationOptions {
  /** Parts of paths; mutants of other sources are left out. None: all. */
  files: string[];
  /** How many mutants are tried, those not counted that say nothing. */
  limit: number;
  seed: string;
  json: boolean;
  /** Goes on where a run of the same seed and sources stopped. */
  resume: boolean;
  /** Mutants that are tried at the same time. */
  workers: number;
}

export const USAGE = `npm run mutate:contracts -- [options]
  --files PART    only sources whose path contains PART; may come again
  --limit N       mutants to try (200)
  --seed TEXT     which ones (1)
  --workers N     at the same time, 1 to 8 (2); each keeps a core busy
  --resume        go on where a run of the same seed and sources stopped
  --json          print the result as JSON`;

/** @throws Error that says which argument makes no sense. */
export function readOptions(args: string[]): MutationOptions {
  const { values } = parseArgs({
    args,
    options: {
      files: { type: "string", multiple: true, default: [] },
      limit: { type: "string", default: "200" },
      seed: { type: "string", default: "1" },
      workers: { type: "string", default: "2" },
      resume: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  return {
    ...values,
    limit: within("--limit", values.limit, 1, 100_000),
    workers: within("--workers", values.workers, 1, 8),
  };
}

function within(option: string, value: string, least: number, most: number): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new Error(`${option} takes a whole number from ${least} to ${most}, not "${value}"`);
  return number;
}
