/** What an error of the SDK carries beside its message. */
export interface SibylErrorOptions {
  /** Values behind the message: ids, limits, what was found. One line. */
  details?: string | undefined;
  cause?: unknown;
}

/**
 * Base of all errors that the SDK throws itself.
 *
 * `shortMessage` names the fact in one sentence, `details` the values behind it, `cause` the error below it.
 */
export class SibylError extends Error {
  override readonly name: string = "SibylError";
  readonly shortMessage: string;
  readonly details: string | undefined;

  constructor(shortMessage: string, options: SibylErrorOptions = {}) {
    const message = options.details ? `${shortMessage}\n\nDetails: ${options.details}` : shortMessage;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.shortMessage = shortMessage;
    this.details = options.details;
  }
}

/** A value does not fit the field, type or limit that it was given for. */
export class OutOfRangeError extends SibylError {
  override readonly name: string = "OutOfRangeError";

  constructor(what: string, value: unknown, limit: string) {
    super(`${what} is out of range.`, { details: `${String(value)} given, ${limit} allowed` });
  }
}
