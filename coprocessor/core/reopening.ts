import type { AgreementView } from "./agreement.ts";
import type { Ballot } from "./ballot.ts";
import { creditable, creditableAt } from "./creditable.ts";

/** Whether the commitments are open again, and when they will be or were; `at` is null while there is no such time. */
export type Reopening = { open: true; at: number } | { open: false; at: number | null };

/**
 * Whether those that committed in time had their time and made no quorum of attestations: one of them does not reveal, or
 * does not attest, or revealed something else. Then later commitments count too. They may be copies, and still a wrong
 * answer takes a quorum that signs it: an honest operator that stands in computes first, and signs what agrees with that.
 * Staying stuck would be worse, for the draw goes on widening, and with it the chance that a dishonest quorum is drawn.
 */
export function reopening(view: AgreementView): Reopening {
  const { ballot, quorum, now } = view;
  if (ballot.cutOffAt === null) return { open: false, at: null };
  const at = ballot.cutOffAt + view.timing.replaceAfterMs;
  if (now < at) return { open: false, at };
  const attestedAt = attestedBy(view, ballot, quorum);
  if (attestedAt > at) return { open: true, at };
  const overdueAt = settlementOverdueAt(view, attestedAt);
  return { open: now >= overdueAt, at: overdueAt };
}

/**
 * When a request that a quorum attested should have been settled: each of its signers had its turn, and what is sent needs a
 * little. If it is not, what we heard is not what the signers did: somebody attested to us alone, and the others lack it.
 */
export const settlementOverdueAt = ({ quorum, timing }: AgreementView, attestedAt: number): number =>
  attestedAt + quorum * timing.settleDelayMs + timing.replaceAfterMs;

/** When a quorum had attested one output in one view; infinite if it has not. */
export function attestedBy(view: AgreementView, ballot: Ballot, quorum: number): number {
  const times = ballot.attestations.map((group) =>
    creditableAt(group, creditable(view, ballot, group), quorum),
  );
  return Math.min(Number.POSITIVE_INFINITY, ...times);
}
