import { isHex } from "viem";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import { runtimeFingerprint } from "../core/runtime.ts";
import { type PayloadShelf, reference, takeBack } from "./largePayload.ts";
import type { InferenceJob, JobOutcome } from "./port.ts";

const hex = z.custom<`0x${string}`>(
  (value) => isHex(value) && value.length % 2 === 0,
  "not whole bytes in hex",
);
const milliseconds = z.number().nonnegative();

/** A field that older workers may ignore can be added; anything else is a new version. */
const jobFields = {
  key: z.string().min(1),
  modelId: hex,
  manifestURI: z.string(),
  deadlineMs: milliseconds,
  notBy: z.array(z.string()).optional(),
};
const jobs = z.discriminatedUnion("version", [
  z.object({ ...jobFields, version: z.literal(1), input: hex }),
  /** The input is large, and waits beside the queue. */
  z.object({ ...jobFields, version: z.literal(2), input: reference }),
]);
/** A job as it travels. */
export type WrittenJob = z.output<typeof jobs>;

const outcomes = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("done"),
    output: z.union([hex, reference]),
    worker: z.string().min(1).max(256).optional(),
    runtime: runtimeFingerprint,
    loadMs: milliseconds,
    runMs: milliseconds,
  }),
  z.object({ status: z.literal("failed"), code: z.string(), message: z.string() }),
]);

/**
 * Reads a payload that another release may have written, and fetches its input if that is large.
 *
 * @throws CoprocessorError `queue/bad-payload`, `queue/payload-gone`, `queue/payload-altered`
 */
export async function readJob(
  jobId: string,
  data: unknown,
  shelf: PayloadShelf | null,
): Promise<InferenceJob> {
  const version = (data as { version?: unknown } | null)?.version;
  if (version !== 1 && version !== 2)
    throw badPayload(jobId, `version ${JSON.stringify(version)}, this worker reads 1 and 2`);
  const result = jobs.safeParse(data);
  if (!result.success) throw badPayload(jobId, z.prettifyError(result.error));
  if (result.data.key !== jobId) throw badPayload(jobId, `it is about ${result.data.key}`);
  const { notBy, ...job } = result.data;
  const input = await takeBack(shelf, job.input);
  return { ...job, ...(notBy === undefined ? {} : { notBy }), version: 1, input };
}

/**
 * What a worker returned; a worker may be another machine, so nothing about it is taken for granted.
 *
 * @throws CoprocessorError `queue/payload-gone`, `queue/payload-altered`
 */
export async function readOutcome(value: unknown, shelf: PayloadShelf | null): Promise<JobOutcome> {
  const result = outcomes.safeParse(value);
  if (!result.success) {
    const message = `the worker returned something else than an outcome: ${z.prettifyError(result.error)}`;
    return { status: "failed", code: "queue/bad-outcome", message };
  }
  if (result.data.status === "failed") return result.data;
  return { ...result.data, output: await takeBack(shelf, result.data.output) };
}

const badPayload = (jobId: string, fault: string): CoprocessorError =>
  new CoprocessorError(`job ${jobId} cannot be read: ${fault}`, {
    code: "queue/bad-payload",
    retry: "never",
    meta: { jobId },
  });
