import { parseOptions, UsageError, wholeNumber } from "../commandLine/arguments.ts";

export interface AdversaryOptions {
  json: boolean;
  seed: number;
  /** Per attack. */
  requests: number;
  /** Names; all attacks when empty. */
  attacks: string[];
  /** Attacks; or honest operators alone, on unequal machines, or ten of them and how much they say to each other. */
  mode: "attack" | "unequal" | "gossip";
}

export const USAGE = `npm run adversary -- [options]

  --attack <a,b>   only these attacks; the baseline runs always
  --requests <n>   requests per attack (20; 500 with --unequal)
  --seed <n>       of everything that is made up (the time)
  --unequal        instead: five honest operators on different runtimes, and whether they ever disagree (fetches
                   two other versions of ONNX Runtime once, 200 MB)
  --gossip         instead: ten honest operators, and how many messages a request takes
  --json           the rows as JSON on standard output, all else on standard error
  --help           this text

Ends with 1 when a bound does not hold.`;

const OPTIONS = {
  json: { type: "boolean" },
  seed: { type: "string" },
  requests: { type: "string" },
  attack: { type: "string" },
  unequal: { type: "boolean" },
  gossip: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Null asks for the usage text. */
export function readOptions(args: string[], known: readonly string[]): AdversaryOptions | null {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return null;
  const attacks = (values.attack ?? "").split(",").filter((name) => name !== "");
  const unknown = attacks.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`there is no attack "${unknown[0]}"; there are ${known.join(", ")}`);
  }
  const unequal = values.unequal === true;
  const gossip = values.gossip === true;
  if (unequal && gossip) throw new UsageError("--unequal or --gossip, not both");
  return {
    json: values.json === true,
    seed: wholeNumber("seed", values.seed ?? String(Date.now() % 2 ** 31), 0, 2 ** 31),
    requests: wholeNumber("requests", values.requests ?? (unequal ? "500" : "20"), 1, 10_000),
    attacks,
    mode: unequal ? "unequal" : gossip ? "gossip" : "attack",
  };
}
