import { decodeOutput } from "@sibyl/sdk";
import { keccak256 } from "viem";
import type { RequestKey } from "../core/request.ts";
import type { JobOutcome } from "../queue/port.ts";
import type { PipelineDeps } from "./deps.ts";
import { park } from "./park.ts";

/**
 * Stores what a worker made of a job.
 *
 * The output is checked again here, because a worker may be another machine: only canonical bytes of the model's codec
 * are ever signed. A failure is kept as the reason; it is never turned into an answer.
 */
export async function onOutcome(deps: PipelineDeps, key: RequestKey, outcome: JobOutcome): Promise<void> {
  const record = await deps.store.request(key);
  if (record !== null && record.state === "queued") {
    const { requestId } = record;
    if (outcome.status === "done") {
      const model = await deps.store.model(record.request.modelId);
      const manifest = await deps.models.manifest(record.request.modelId, model?.manifestURI ?? "");
      const refusal = refuse(() => decodeOutput(manifest.output.codec, outcome.output));
      if (refusal === null) {
        const patch = { output: outcome.output, outputHash: keccak256(outcome.output) };
        await deps.store.transition(key, ["queued"], "computed", patch);
        deps.log.info({ requestId, runMs: outcome.runMs, runtime: outcome.runtime }, "output computed");
      } else {
        await park(deps, key, ["queued"], `worker returned a malformed output: ${refusal}`);
      }
    } else {
      await park(deps, key, ["queued"], `${outcome.code}: ${outcome.message}`);
    }
  }
  await deps.queue.remove(key);
  deps.wake(key);
}

function refuse(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
