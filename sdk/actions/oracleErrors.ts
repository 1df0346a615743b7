import { SibylError } from "../errors.ts";

/** The address holds no Sibyl oracle on this chain. */
export class NoOracleError extends SibylError {
  override readonly name: string = "NoOracleError";
}

/** The address holds no consumer of this oracle. */
export class NoConsumerError extends SibylError {
  override readonly name: string = "NoConsumerError";
}

/** The callback succeeds with more gas than the consumer asks for, and fails with what it asks for. */
export class CallbackGasTooLowError extends SibylError {
  override readonly name: string = "CallbackGasTooLowError";
}

/** No request with this id opened in the blocks that were searched. */
export class RequestNotFoundError extends SibylError {
  override readonly name: string = "RequestNotFoundError";
}

/** The request is still open after the time that the caller was willing to wait. */
export class WaitForResultTimeoutError extends SibylError {
  override readonly name: string = "WaitForResultTimeoutError";
}

/** An action that sends a transaction was called on a client without an account. */
export class NoAccountError extends SibylError {
  override readonly name: string = "NoAccountError";
}

/** A contract refused a call; `reason` names the custom error. */
export class CallRevertedError extends SibylError {
  override readonly name: string = "CallRevertedError";
  /** Name of the custom error, for example `FeeAboveMaximum`. */
  readonly reason: string;

  constructor(reason: string, message: string, cause: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}
