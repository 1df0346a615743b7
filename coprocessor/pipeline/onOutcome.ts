import { decodeOutput, type OutputCodec } from "@sibyl/sdk";
import { type Hex, keccak256, size } from "viem";
import { MAX_OUTPUT_BYTES } from "../core/messages.ts";
import type { RequestKey, RequestRecord, RequestState } from "../core/request.ts";
import { runtimeText } from "../core/runtime.ts";
import type { JobOutcome } from "../queue/port.ts";
import type { PipelineDeps } from "./deps.ts";
import { park } from "./park.ts";

/** A job is added before its row says so, so its outcome may come first. */
const AWAITING: readonly RequestState[] = ["waiting", "queued"];

/**
 * Stores what a worker made of a job.
 *
 * The output is checked again here, because a worker may be another machine: only canonical bytes of the model's codec
 * are ever signed. A failure is kept as the reason; it is never turned into an answer.
 */
export async function onOutcome(deps: PipelineDeps, key: RequestKey, outcome: JobOutcome): Promise<void> {
  const record = await deps.store.request(key);
  if (record !== null && AWAITING.includes(record.state)) await take(deps, record, outcome);
  await deps.queue.remove(key);
  deps.wake(key);
}

async function take(deps: PipelineDeps, record: RequestRecord, outcome: JobOutcome): Promise<void> {
  const { key, requestId } = record;
  if (outcome.status === "failed") return park(deps, key, AWAITING, `${outcome.code}: ${outcome.message}`);
  const { output, runMs, runtime } = outcome;
  const model = await deps.store.model(record.request.modelId);
  const manifest = await deps.models.manifest(record.request.modelId, model?.manifestURI ?? "");
  const refusal = refuse(output, manifest.output.codec);
  if (refusal !== null) return park(deps, key, AWAITING, refusal);
  await deps.store.transition(key, AWAITING, "computed", { output, outputHash: keccak256(output) });
  deps.log.info({ requestId, runMs, runtime: runtimeText(runtime) }, "output computed");
}

/** Why an output cannot be answered with; null when it can. */
function refuse(output: Hex, codec: OutputCodec): string | null {
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
