import { parseArgs } from "node:util";

export interface ChaosOptions {
  seed: number;
  requests: number;
  /** Milliseconds of storm; by the number of requests when null. */
  stormMs: number | null;
  /** Prints the result as JSON on standard output, and all else on standard error. */
  json: boolean;
  /** Prints the schedule and does nothing. */
  plan: boolean;
}

export const USAGE = `npm run chaos -- [options]

  --seed <n>       what the storm follows from (1)
  --requests <n>   requests to make in the storm (300)
  --seconds <n>    length of the storm (0.8 a request, 20 to 240)
  --json           print the result as JSON on standard output
  --plan           print the schedule and end
  --help           this text`;

/** The arguments make no sense; the message says which and why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Null asks for the usage text. */
export function readOptions(args: string[]): ChaosOptions | null {
  const values = parse(args);
  if (values.help === true) return null;
  return {
    seed: whole("seed", values.seed ?? "1", 0, 2 ** 32 - 1),
    requests: whole("requests", values.requests ?? "300", 1, 5_000),
    stormMs: values.seconds === undefined ? null : whole("seconds", values.seconds, 5, 3_600) * 1_000,
    json: values.json === true,
    plan: values.plan === true,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        seed: { type: "string" },
        requests: { type: "string" },
        seconds: { type: "string" },
        json: { type: "boolean" },
        plan: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(name: string, text: string, lowest: number, highest: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= lowest && value <= highest) return value;
  throw new UsageError(`--${name} is a whole number from ${lowest} to ${highest}, not ${text}`);
}
