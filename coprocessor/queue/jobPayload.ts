import { isHex } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import { runtimeFingerprint } from "../core/runtime.ts";
import type { InferenceJob, JobOutcome } from "./port.ts";

const hex = z.custom<`0x${string}`>(
  (value) => isHex(value) && value.length % 2 === 0,
  "not whole bytes in hex",
);
const milliseconds = z.number().nonnegative();

/** Version 1. A field that older workers may ignore can be added; anything else is a new version. */
const jobV1 = z.object({
  version: z.literal(1),
  key: z.string().min(1),
  modelId: hex,
  manifestURI: z.string(),
  input: hex,
  deadlineMs: milliseconds,
});

const outcome = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("done"),
    output: hex,
    runtime: runtimeFingerprint,
    loadMs: milliseconds,
    runMs: milliseconds,
  }),
  z.object({ status: z.literal("failed"), code: z.string(), message: z.string() }),
]);

/**
 * Reads a payload that another release may have written.
 *
 * @throws CoprocessorError `queue/bad-payload`.
 */
export function parseJob(jobId: string, data: unknown): InferenceJob {
  const version = (data as { version?: unknown } | null)?.version;
  if (version !== 1) throw badPayload(jobId, `version ${JSON.stringify(version)}, this worker reads 1`);
  const result = jobV1.safeParse(data);
  if (!result.success) throw badPayload(jobId, z.prettifyError(result.error));
  if (result.data.key !== jobId) throw badPayload(jobId, `it is about ${result.data.key}`);
  return result.data;
}

/** What a worker returned; a worker may be another machine, so nothing about it is taken for granted. */
export function parseOutcome(value: unknown): JobOutcome {
  const result = outcome.safeParse(value);
  if (result.success) return result.data;
  const message = `the worker returned something else than an outcome: ${z.prettifyError(result.error)}`;
  return { status: "failed", code: "queue/bad-outcome", message };
}

const badPayload = (jobId: string, fault: string): CoprocessorError =>
  new CoprocessorError(`job ${jobId} cannot be read: ${fault}`, {
    code: "queue/bad-payload",
    retry: "never",
    meta: { jobId },
  });
