import type { AgreementDecision, AgreementView } from "./agreement.ts";
import type { Candidate } from "./draw.ts";
import { idle } from "./idle.ts";
import { attestedBy, type Reopening, settlementOverdueAt } from "./reopening.ts";

/** When this operator hands its job to the queue: at once, by its place among the stand-bys, or in somebody's stead. */
export function start(view: AgreementView, me: Candidate, again: Reopening): AgreementDecision {
  if (view.started) return idle("our own inference");
  // Said before our store was lost, and told back by our peers: everybody waits for what we have committed to.
  if (view.ballot.timely.has(view.me)) return startNow;
  if (view.ballot.cutOffAt !== null && !again.open) return idle("others revealed before we started");
  if (me.fromRound > view.round) {
    const roundsToGo = me.fromRound - view.round;
    return {
      ...idle(`round ${me.fromRound} of the draw (now ${view.round})`),
      wakeAt:
        roundsToGo === 1 ? view.now + view.nextRoundInMs : view.now + Math.max(view.nextRoundInMs, 1_000),
    };
  }
  const admitted = view.candidates.filter((candidate) => candidate.fromRound <= view.round);
  if (again.open) return standIn(view, admitted, again.at);
  const place = admitted.findIndex((candidate) => candidate.operatorId === view.me);
  const standbyPlace = view.round > 0 ? 0 : Math.max(0, place - view.committeeSize + 1);
  const startAt = view.seenAt + standbyPlace * view.timing.standbyDelayMs;
  if (view.now < startAt) return { ...idle(`standing by, place ${standbyPlace}`), wakeAt: startAt };
  if (standbyPlace > 0 && view.ballot.timely.size >= view.committeeSize) {
    return idle("standing by; the committee has committed");
  }
  return startNow;
}

/** One after the other, in ticket order, until the request has its quorum: usually one is enough. */
function standIn(view: AgreementView, admitted: readonly Candidate[], reopenedAt: number): AgreementDecision {
  const { ballot, quorum, timing, now } = view;
  const attestedAt = attestedBy(view, ballot, quorum);
  const overdueAt = Number.isFinite(attestedAt) ? settlementOverdueAt(view, attestedAt) : reopenedAt;
  if (now < overdueAt) return { ...idle("standing by; a quorum attested"), wakeAt: overdueAt };
  const fresh = admitted.filter(({ operatorId }) => !ballot.timely.has(operatorId));
  const place = fresh.findIndex(({ operatorId }) => operatorId === view.me);
  const startAt = Math.max(reopenedAt, overdueAt) + place * timing.standbyDelayMs;
  if (now < startAt) return { ...idle(`standing in, place ${place}`), wakeAt: startAt };
  return startNow;
}

const startNow: AgreementDecision = {
  actions: [{ type: "start" }],
  waitingFor: "our own inference",
  wakeAt: null,
  disagreement: null,
};
