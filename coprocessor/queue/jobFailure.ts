import { UnrecoverableError } from "bullmq";
import { CoprocessorError } from "../core/errors.ts";
import type { JobOutcome } from "./port.ts";

type Failure = Extract<JobOutcome, { status: "failed" }>;

/** BullMQ's own words for a job whose workers died too often. */
const STALLED = /stalled more than allowable limit/;

/** A failed job keeps one line of text, which queue views show: `area/fact: message`. */
export const failureText = ({ code, message }: Omit<Failure, "status">): string => `${code}: ${message}`;

export function parseFailure(text: string | undefined): Failure {
  const [, code, message] = /^([a-z0-9-]+\/[a-z0-9-]+): ([\s\S]*)$/.exec(text ?? "") ?? [];
  if (code !== undefined && message !== undefined) return { status: "failed", code, message };
  if (STALLED.test(text ?? ""))
    return { status: "failed", code: "queue/stalled", message: "every worker that took it died" };
  return { status: "failed", code: "queue/job-failed", message: text ?? "no reason given" };
}

/** The error that makes BullMQ try again, or not, as the cause asks for. */
export function jobError(cause: unknown): Error {
  if (!(cause instanceof CoprocessorError)) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return new Error(failureText({ code: "queue/handler-failed", message }), { cause });
  }
  const text = failureText(cause);
  return cause.retry === "never" ? new UnrecoverableError(text) : new Error(text, { cause });
}
