import { SibylError } from "@sibyl/sdk/errors";
import { CoprocessorError, type Retry } from "../core/errors.ts";
import { inferenceError, reasonOf } from "./inferenceError.ts";
import type { Failure, ModelEntry, ProcessFact } from "./messages.ts";
import { ProviderFailedError } from "./runtimes/runtime.ts";
import { EntryChangedError, SessionTooLargeError } from "./sessionError.ts";

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
export function failureOf(error: unknown, { modelId, manifest }: ModelEntry): Failure {
  if (error instanceof CoprocessorError) {
    const { code, retry, message, meta } = error;
    return { fact: code.slice(code.indexOf("/") + 1) as ProcessFact, retry, message, meta };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return { ...verdictOn(error, reason), message: `${manifest.name}: ${reason}`, meta: { modelId } };
}

function verdictOn(error: unknown, reason: string): Pick<Failure, "fact" | "retry"> {
  if (error instanceof ProcessFailure) return { fact: error.fact, retry: error.retry };
  if (error instanceof ProviderFailedError) return { fact: "provider-failed", retry: "never" };
  if (error instanceof SessionTooLargeError) return { fact: "out-of-memory", retry: "never" };
  if (error instanceof EntryChangedError || isOfSystem(error))
    return { fact: "model-failed", retry: "backoff" };
  const isMemory = error instanceof RangeError || /bad_alloc|out of memory|failed to allocate/i.test(reason);
  return { fact: isMemory ? "out-of-memory" : "model-failed", retry: "never" };
}

/** What the operating system refuses, as one file too many, says nothing about the model. */
const isOfSystem = (error: unknown): boolean => error instanceof Error && "syscall" in error;

/** The sdk's codecs refuse with errors of their own; which side they refuse is known here. */
export function taskSide<T>(fact: "bad-input" | "bad-output", work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SibylError)) throw error;
    throw inferenceError(fact, reasonOf(error), { meta: { reason: error.name }, cause: error });
  }
}
