import { CoprocessorError, type Retry } from "../core/errors.ts";

type ModelFact =
  | "not-found"
  | "hash-mismatch"
  | "manifest-invalid"
  | "too-large"
  | "no-space"
  | "fetch-failed";

/** An error of the model store; `meta` holds the ids, files and limits that the message names. */
export function modelError(
  fact: ModelFact,
  message: string,
  retry: Retry,
  meta: Record<string, unknown>,
  cause?: unknown,
): CoprocessorError {
  return new CoprocessorError(message, { code: `model/${fact}`, retry, meta, cause });
}

/** The disk is full, or the operator's quota of it is. */
export function isNoSpace(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** True for the error that the file system gives for what is not there. */
export function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}
