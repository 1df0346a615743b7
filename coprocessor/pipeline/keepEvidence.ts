import { type Finding, proofOf } from "../core/evidence.ts";
import type { RequestRecord } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/** Keeps what was found against operators, each fault once, and has it looked at for what a contract judges. */
export async function keepEvidence(
  { store, log, now, pokeCourt }: Pick<PipelineDeps, "store" | "log" | "now" | "pokeCourt">,
  record: RequestRecord,
  findings: readonly Finding[],
): Promise<void> {
  if (findings.length === 0) return;
  const { key, chainId, oracle, requestId, request } = record;
  const profile = (await store.model(request.modelId))?.profile ?? 0n;
  const about = { key, chainId, oracle, requestId, request, profile };
  for (const finding of findings) {
    const proof = proofOf(about, finding, now());
    if (!(await store.evidence.add(key, proof))) continue;
    const { id, operatorId, offence, fact } = proof;
    log.warn({ requestId, operatorId, offence, evidence: id, fact }, "evidence kept");
    pokeCourt();
  }
}
