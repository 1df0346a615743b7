import { decodeOutput, type OutputCodec } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import { type Hex, size } from "viem";
import { MAX_OUTPUT_BYTES } from "../core/messages.ts";
import type { Receipt } from "../core/receipt.ts";
import type { RequestKey, RequestRecord, RequestState } from "../core/request.ts";
import { runtimeText } from "../core/runtime.ts";
import type { JobOutcome } from "../queue/port.ts";
import type { PipelineDeps } from "./deps.ts";
import { park } from "./park.ts";
import { spotCheck } from "./spotCheck.ts";

/** A job is added before its row says so, so its outcome may come first. */
const AWAITING: readonly RequestState[] = ["waiting", "queued"];

export type OutcomeDeps = Pick<
  PipelineDeps,
  | "scope"
  | "me"
  | "store"
  | "queue"
  | "models"
  | "waiting"
  | "workload"
  | "spotChecks"
  | "log"
  | "now"
  | "wake"
>;

/**
 * Stores what a worker made of a job.
 *
 * The output is checked again here, because a worker may be another machine: only canonical bytes of the model's codec
 * are ever signed, and some jobs are run again. It is stored with its receipt. A failure is kept as the reason; it is never turned into an answer.
 */
export async function onOutcome(deps: OutcomeDeps, key: RequestKey, outcome: JobOutcome): Promise<void> {
  const record = await deps.store.request(key);
  deps.workload.ended(key);
  if (record !== null && outcome.status === "done")
    deps.workload.observe(record.request.modelId, outcome, deps.now());
  if (record !== null && AWAITING.includes(record.state)) await take(deps, record, outcome);
  await deps.queue.remove(key);
  deps.wake(key);
}

async function take(deps: OutcomeDeps, record: RequestRecord, outcome: JobOutcome): Promise<void> {
  const { key, requestId } = record;
  if (outcome.status === "failed") return park(deps, key, AWAITING, `${outcome.code}: ${outcome.message}`);
  const { modelId } = record.request;
  const manifestURI = (await deps.store.model(modelId))?.manifestURI ?? "";
  const manifest = await deps.models.manifest(modelId, manifestURI);
  const refusal = refuse(outcome.output, manifest.output.codec);
  if (refusal !== null) return park(deps, key, AWAITING, refusal);
  const checked = await spotCheck(deps, record, manifest, outcome);
  const { output, runMs, runtime } = checked;
  const move = { from: AWAITING, to: "computed", patch: { output, outputHash: keccak256(output) } } as const;
  await deps.store.write({ key, move, receipt: receiptOf(deps, record, manifestURI, checked) });
  deps.log.info({ requestId, runMs, runtime: runtimeText(runtime) }, "output computed");
}

/** The record of an outcome, whatever the run was for. */
export function receiptOf(
  { scope, me, now }: Pick<OutcomeDeps, "scope" | "me" | "now">,
  { requestId, request, input }: RequestRecord,
  manifestURI: string,
  { output, runtime, loadMs, runMs }: Extract<JobOutcome, { status: "done" }>,
): Receipt {
  return {
    schema: "sibyl/receipt@1",
    ...scope,
    requestId,
    operatorId: me,
    modelId: request.modelId,
    manifestURI,
    input,
    inputHash: request.inputHash,
    output,
    outputHash: keccak256(output),
    runtime,
    loadMs,
    runMs,
    computedAt: now(),
  };
}

/** Why an output cannot be answered with; null when it can. */
export function refuse(output: Hex, codec: OutputCodec): string | null {
  const bytes = size(output);
  if (bytes > MAX_OUTPUT_BYTES)
    return `output/too-large: ${bytes} bytes, operators pass on ${MAX_OUTPUT_BYTES}`;
  try {
    decodeOutput(codec, output);
    return null;
  } catch (error) {
    return `output/malformed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
