import { DEMANDABLE, type EvidenceSummary, type Offence, REPORTABLE } from "../core/evidence.ts";
import type { DemandRecord } from "../core/opening.ts";
import { type CourtDeps, courtKey, isLive } from "./courtDeps.ts";

/** What became of a piece of evidence; plain JSON values. */
export interface EvidenceExplanation extends EvidenceSummary {
  /** `kept` no contract judges it; `waiting` nothing is sent yet; `sent`; `done` the chain has judged. */
  status: "kept" | "waiting" | "sent" | "done";
  reason: string;
}

type Reading = Pick<CourtDeps, "store" | "standing" | "key">;

const KEPT: Partial<Record<Offence, string>> = {
  "two-commitments": "no contract judges two commitments",
  withheld: "silence is proven by a demand, which needs an attestation",
};
const MISMATCH = "a mismatch alone is never punished";

export async function explainEvidence(
  deps: Reading,
  evidence: EvidenceSummary,
): Promise<EvidenceExplanation> {
  const { id, offence, operatorId } = evidence;
  const standing = deps.standing.get(id);
  if (includes(REPORTABLE, offence)) {
    const slash = await deps.store.evidence.slash(operatorId);
    if (slash !== null) {
      const by = slash.reporter.toLowerCase() === deps.key.address.toLowerCase() ? "us" : slash.reporter;
      const reason = `slashed of ${slash.amountWei} wei in ${slash.transaction}; ${slash.rewardWei} wei to ${by}`;
      return { ...evidence, status: "done", reason };
    }
    return { ...evidence, ...(await underWay(deps, courtKey.report(id), standing ?? "to be reported")) };
  }
  if (includes(DEMANDABLE, offence)) {
    return {
      ...evidence,
      ...(await underWay(deps, courtKey.demand(id), standing ?? "its opening may be demanded")),
    };
  }
  return { ...evidence, status: "kept", reason: KEPT[offence] ?? MISMATCH };
}

async function underWay(
  { store }: Reading,
  key: string,
  standing: string,
): Promise<Pick<EvidenceExplanation, "status" | "reason">> {
  const newest = (await store.outboxFor(key)).at(-1);
  if (newest === undefined) return { status: "waiting", reason: standing };
  if (newest.succeeded === true)
    return { status: "done", reason: `${newest.kind} in ${newest.minedTransaction}` };
  if (isLive(newest)) return { status: "sent", reason: `${newest.kind} ${newest.state}` };
  return { status: "waiting", reason: newest.reason ?? standing };
}

const includes = <T extends string>(list: readonly T[], value: string): value is T =>
  (list as readonly string[]).includes(value);

/** A demand as status shows it: big numbers as decimal strings. */
export function explainDemand(
  { standing, me }: { standing: CourtDeps["standing"]; me: number },
  record: DemandRecord,
) {
  const { demandId, demand, demander, court, deadline, state, parkedReason } = record;
  return {
    demandId,
    state,
    /** Whether it is our commitment that has to be opened. */
    against: demand.operatorId === me ? "us" : `operator ${demand.operatorId}`,
    requestId: demand.requestId,
    commitment: demand.commitment,
    attestedHash: demand.attestedHash,
    demander,
    court,
    deadline,
    reason: state === "pending" ? (parkedReason ?? standing.get(demandId) ?? null) : null,
    amountWei: record.amountWei?.toString() ?? null,
    rewardWei: record.rewardWei?.toString() ?? null,
  };
}
