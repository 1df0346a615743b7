import { SibylError } from "@sibyl/sdk";
import { CoprocessorError, type Retry } from "../core/errors.ts";

type InferenceFact = "bad-input" | "bad-output" | "model-failed" | "timeout";

/** An error of the engine. */
export function inferenceError(
  fact: InferenceFact,
  message: string,
  options: { retry?: Retry; meta?: Record<string, unknown>; cause?: unknown } = {},
): CoprocessorError {
  const { retry = "never", meta = {}, cause } = options;
  return new CoprocessorError(message, { code: `inference/${fact}`, retry, meta, cause });
}

/** One line of what went wrong, for use inside another message. */
export function reasonOf(error: unknown): string {
  if (error instanceof SibylError) {
    return error.details === undefined ? error.shortMessage : `${error.shortMessage} ${error.details}`;
  }
  return error instanceof Error ? error.message : String(error);
}
