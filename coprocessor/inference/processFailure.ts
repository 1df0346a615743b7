import type { Retry } from "../core/errors.ts";
import type { ProcessFact } from "./messages.ts";

/** What an inference process reports instead of a result. */
export class ProcessFailure extends Error {
  override readonly name = "ProcessFailure";
  readonly fact: ProcessFact;
  readonly retry: Retry;

  constructor(fact: ProcessFact, message: string, retry: Retry = "never") {
    super(message);
    this.fact = fact;
    this.retry = retry;
  }
}

/** What an error means for the request that it met. */
export function failureOf(error: unknown): { fact: ProcessFact; retry: Retry; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ProcessFailure) return { fact: error.fact, retry: error.retry, message };
  const isMemory = error instanceof RangeError || /bad_alloc|out of memory|failed to allocate/i.test(message);
  return { fact: isMemory ? "out-of-memory" : "model-failed", retry: "never", message };
}
