import { parseOptions, wholeNumber } from "../commandLine/arguments.ts";

export interface ChaosOptions {
  seed: number;
  requests: number;
  /** Milliseconds of storm; by the number of requests when null. */
  stormMs: number | null;
  /** Seconds that a request may wait for its answer. */
  lifetimeSeconds: number;
  /** Prints the result as JSON on standard output, and all else on standard error. */
  json: boolean;
  /** Prints the schedule and does nothing. */
  plan: boolean;
}

export const USAGE = `npm run chaos -- [options]

  --seed <n>       what the storm follows from (1)
  --requests <n>   requests to make in the storm (300)
  --seconds <n>    length of the storm (0.8 a request, 20 to 240)
  --lifetime <n>   seconds that a request may wait for its answer (150): longer than any outage; a busy machine needs more
  --json           print the result as JSON on standard output
  --plan           print the schedule and end
  --help           this text`;

const OPTIONS = {
  seed: { type: "string" },
  requests: { type: "string" },
  seconds: { type: "string" },
  lifetime: { type: "string" },
  json: { type: "boolean" },
  plan: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Null asks for the usage text. */
export function readOptions(args: string[]): ChaosOptions | null {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return null;
  return {
    seed: wholeNumber("seed", values.seed ?? "1", 0, 2 ** 32 - 1),
    requests: wholeNumber("requests", values.requests ?? "300", 1, 5_000),
    stormMs: values.seconds === undefined ? null : wholeNumber("seconds", values.seconds, 5, 3_600) * 1_000,
    lifetimeSeconds: wholeNumber("lifetime", values.lifetime ?? "150", 10, 3_600),
    json: values.json === true,
    plan: values.plan === true,
  };
}
