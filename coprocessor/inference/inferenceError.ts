import { SibylError } from "@sibyl/sdk/errors";
import { CoprocessorError, type Retry } from "../core/errors.ts";

/**
 * `bad-input`: the model cannot take the input. `bad-output`: what came out is no answer. `model-failed`: the model is
 * broken or does not fit its manifest. `provider-failed`: the execution provider that the operator chose is not there or
 * cannot take the model. `out-of-memory`: the model needs more than it may have. `timeout`: it took too long.
 */
export type InferenceFact =
  | "bad-input"
  | "bad-output"
  | "model-failed"
  | "provider-failed"
  | "out-of-memory"
  | "timeout";

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
