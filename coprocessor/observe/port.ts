export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Structured log, pino's call order: fields first, then the message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}
