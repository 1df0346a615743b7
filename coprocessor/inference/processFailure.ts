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
