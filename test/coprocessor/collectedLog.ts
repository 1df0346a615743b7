import type { Log } from "../../coprocessor/observe/port.ts";

export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  fields: Record<string, unknown>;
  message: string;
}

/** A log that keeps its lines, so that a test can look for them. */
export function collectedLog(): Log & { lines: LogLine[]; codes(): unknown[] } {
  const lines: LogLine[] = [];
  const write = (level: LogLine["level"]) => (fields: object, message: string) => {
    lines.push({ level, fields: fields as Record<string, unknown>, message });
  };
  const log = {
    lines,
    codes: () => lines.map(({ fields }) => fields.code),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => log,
  };
  return log;
}
