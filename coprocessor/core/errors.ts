/** Whether trying the same thing again can help. */
export type Retry = "never" | "backoff";

export interface CoprocessorErrorOptions {
  /** Stable, machine-readable, `area/fact`, for example `model/hash-mismatch`. */
  code: string;
  retry: Retry;
  /** The ids and limits behind the message; JSON-serialisable. */
  meta?: Record<string, unknown>;
  cause?: unknown;
}

/** The one error class of the coprocessor: names the fact in `code`, and says whether a retry can help. */
export class CoprocessorError extends Error {
  override readonly name = "CoprocessorError";
  readonly code: string;
  readonly retry: Retry;
  readonly meta: Record<string, unknown>;

  constructor(message: string, options: CoprocessorErrorOptions) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.retry = options.retry;
    this.meta = options.meta ?? {};
  }
}
