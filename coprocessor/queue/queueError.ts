import { CoprocessorError } from "../core/errors.ts";

/** Names a failure of the queue's backend; a CoprocessorError stays what it is. */
export function queueError(error: unknown, operation: string): CoprocessorError {
  if (error instanceof CoprocessorError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const isFull = /^OOM |no space left on device|could not extend file/i.test(text);
  return new CoprocessorError(
    `${operation}: ${isFull ? "the queue is full" : "the queue does not answer"}: ${text}`,
    {
      code: isFull ? "queue/no-space" : "queue/unavailable",
      retry: "backoff",
      meta: { operation },
      cause: error,
    },
  );
}
