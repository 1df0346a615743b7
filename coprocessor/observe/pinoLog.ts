import { pino } from "pino";
import type { Log, LogLevel } from "./port.ts";

/**
 * Structured log lines (JSON, one a line) on standard output.
 *
 * Levels: `error` needs a person, `warn` is something a person may want to know, `info` is one line per stage of a
 * request, `debug` is one line per message. bigints are written as decimal strings.
 */
export function createPinoLog(level: LogLevel, base: Record<string, unknown>): Log {
  return pino({ level, base, formatters: { level: (label) => ({ level: label }), log: plain } });
}

/** pino leaves bigints to JSON.stringify, which refuses them. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "bigint" ? value.toString() : value,
    ]),
  );
}
