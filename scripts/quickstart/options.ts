import { parseOptions, UsageError, wholeNumber } from "../commandLine/arguments.ts";

export interface QuickstartOptions {
  /** Ends with the result instead of keeping the network running. */
  once: boolean;
  /** Prints the summary as JSON on standard output, and all else on standard error. */
  json: boolean;
  operators: number;
  /** Operators that must agree on a message. */
  quorum: number;
  messages: number;
  /** Operators that are killed before the messages are sent. */
  kill: number;
  queue: "embedded" | "redis";
}

export const USAGE = `npm run quickstart -- [options]

  --once           end with the result: 0 only if every message was settled by a quorum and every callback landed
  --json           print the summary as JSON on standard output; implies --once
  --operators <n>  operators, each a process of its own (3)
  --quorum <n>     operators that must agree (3, or all if there are fewer)
  --messages <n>   messages to send, held-out ham and spam (12)
  --kill <n>       operators to kill before the messages are sent (0)
  --queue redis    run the operators' queues on Redis instead of the embedded one
  --help           this text`;

const OPTIONS = {
  once: { type: "boolean" },
  json: { type: "boolean" },
  operators: { type: "string" },
  quorum: { type: "string" },
  messages: { type: "string" },
  kill: { type: "string" },
  queue: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Null asks for the usage text. */
export function readOptions(
  args: string[],
  limits: { operators: number; messages: number },
): QuickstartOptions | null {
  const values = parseOptions(args, OPTIONS);
  if (values.help === true) return null;
  const operators = wholeNumber("operators", values.operators ?? "3", 1, limits.operators);
  const quorum = wholeNumber(
    "quorum",
    values.quorum ?? String(Math.min(3, operators)),
    1,
    Math.min(8, operators),
  );
  const messages = wholeNumber("messages", values.messages ?? "12", 1, limits.messages);
  const kill = wholeNumber("kill", values.kill ?? "0", 0, operators);
  const queue = values.queue ?? "embedded";
  if (queue !== "embedded" && queue !== "redis")
    throw new UsageError(`--queue is embedded or redis, not ${queue}`);
  const json = values.json === true;
  return { once: json || values.once === true, json, operators, quorum, messages, kill, queue };
}
