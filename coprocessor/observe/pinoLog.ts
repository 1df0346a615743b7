import { type Logger, pino } from "pino";
import { requestIdIn } from "../core/request.ts";
import { type LogLines, openLogLines } from "./logLines.ts";
import type { Log, LogLevel } from "./port.ts";

/** One for all logs of this process, so that their lines stay in order. */
let lines: LogLines | null = null;

const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/**
 * Structured log lines (JSON, one a line) on standard output.
 *
 * Levels: `error` needs a person, `warn` is something a person may want to know, `info` is one line per stage of a
 * request, `debug` is one line per message. bigints are written as decimal strings. `setLevel` also counts for all
 * children that were made before. A line that names a request by its key, its job or its transaction also says its
 * `requestId`, so that one search finds all that was done about it.
 */
export function createPinoLog(
  level: LogLevel,
  base: Record<string, unknown>,
): Log & { setLevel(level: LogLevel): void } {
  const lowest = { level };
  lines ??= openLogLines();
  const inner = pino(
    {
      level: "debug",
      base,
      formatters: { level: (label) => ({ level: label }), log: plain },
    },
    lines,
  );
  return Object.assign(wrap(inner, lowest, lines), {
    setLevel(next: LogLevel) {
      lowest.level = next;
    },
  });
}

/** pino's children keep the level that they were made with, so one place above them all decides. */
function wrap(inner: Logger, lowest: { level: LogLevel }, lines: LogLines): Log {
  const write = (level: Exclude<LogLevel, "silent">) => (fields: object, message: string) => {
    if (ORDER.indexOf(level) < ORDER.indexOf(lowest.level)) return;
    inner[level](fields, message);
    // Whatever may be about to end this process has been said before.
    if (level === "warn" || level === "error") lines.flush();
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => wrap(inner.child(fields), lowest, lines),
  };
}

/** pino leaves bigints to JSON.stringify, which refuses them. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  const { requestId, key, id } = fields;
  const named = [key, id].find((name) => typeof name === "string");
  const found = requestId === undefined && named !== undefined ? requestIdIn(named as string) : null;
  const all = found === null ? fields : { requestId: found, ...fields };
  const entries = Object.entries(all);
  if (!entries.some(([, value]) => typeof value === "bigint")) return all;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "bigint" ? value.toString() : value]),
  );
}
