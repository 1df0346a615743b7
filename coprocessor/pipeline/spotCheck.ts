import { agree, type ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { RequestRecord } from "../core/request.ts";
import { isSampled } from "../core/sample.ts";
import type { WorkerTrust } from "../core/workerTrust.ts";
import type { InferenceJob, JobOutcome } from "../queue/port.ts";
import { jobOf } from "./act.ts";
import type { PipelineDeps } from "./deps.ts";

type Done = Extract<JobOutcome, { status: "done" }>;

/** How the node checks its workers by running some of their jobs itself. */
export interface SpotChecks {
  /** Part of the jobs, 0 to 1. */
  share: number;
  /** 32 bytes that only this key can make: they choose the jobs, and no worker can tell which. */
  seed: Hex;
  /** The worker in this process, which runs on what it would be checked with; null for none. */
  own(): string | null;
  trust: WorkerTrust;
  /** Runs a job in this process; a failure is an outcome. */
  run(job: InferenceJob): Promise<JobOutcome>;
}

/**
 * Runs a job that a worker did once more, if it is in the sample, before anything is signed for it.
 *
 * @returns The worker's outcome, or our own where the two disagree under the model's profile: then the worker is parked. That
 * we cannot run a model says nothing about the worker.
 */
export async function spotCheck(
  deps: Pick<PipelineDeps, "store" | "log" | "now"> & { spotChecks?: SpotChecks | undefined },
  record: RequestRecord,
  { output, profile }: ModelManifest,
  theirs: Done,
): Promise<Done> {
  const { spotChecks, log } = deps;
  const { requestId } = record;
  if (spotChecks === undefined || !isSampled(spotChecks.seed, requestId, spotChecks.share)) return theirs;
  const worker = theirs.worker ?? "a worker without a name";
  if (worker === spotChecks.own()) return theirs;
  const ours = await spotChecks.run(await jobOf(deps, record));
  if (ours.status === "failed") {
    const reason = `${ours.code}: ${ours.message}`;
    log.warn({ code: "worker/not-checked", requestId, worker, reason }, "a worker's answer was not checked");
    return theirs;
  }
  const comparison = agree(output.codec, profile, theirs.output, ours.output);
  if (comparison.agrees) {
    log.debug({ requestId, worker }, "a worker's answer agrees with our own");
    return theirs;
  }
  const { reason } = comparison;
  spotChecks.trust.park(worker, `request ${requestId}: ${reason}`, deps.now());
  const outputs = { theirs: theirs.output, ours: ours.output };
  log.error(
    { code: "worker/disagrees", requestId, worker, reason, ...outputs },
    "a worker's answer disagrees with our own run: nothing of that worker is taken any more",
  );
  return ours;
}
