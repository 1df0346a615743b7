import type { Hex } from "viem";
import type { CourtKind } from "../core/outbox.ts";
import type { RequestKey, RequestState } from "../core/request.ts";
import { answerDemands } from "./answerDemands.ts";
import type { CourtDeps } from "./courtDeps.ts";
import { examineClosed } from "./examineClosed.ts";
import { closeDemands, demandOf, makeDemands } from "./makeDemands.ts";
import { reportEquivocations } from "./report.ts";

/** Milliseconds after a request is proposed or over: late reveals and attestations are told apart from missing ones. */
const EXAMINE_AFTER_MS = 5_000;
/** Requests examined again after a start: what was due when the node ended. */
const EXAMINED_AT_START = 256;
const MAX_DUE = 4_096;
const LOOK_MS = 30_000;
const UNSYNCED_MS = 1_000;
const DAY_MS = 86_400_000;
const OVER: readonly RequestState[] = ["settled", "proposed", "expired"];

/** Holds operators, ourselves included, to what they signed. */
export interface Court {
  examineLater(key: RequestKey): void;
  /** Looks at everything that is due. @returns when to look again, Unix milliseconds. */
  look(): Promise<number>;
}

/**
 * @param synced Until it says so nothing is done: what an old block demanded, a later one may have opened.
 */
export function createCourt(deps: CourtDeps, synced: () => boolean): Court {
  const due = new Map<RequestKey, number>();
  let resumed = false;

  function examineLater(key: RequestKey): void {
    // A backfill closes thousands; the newest are examined when it is over.
    if (due.size < MAX_DUE) due.set(key, deps.now() + EXAMINE_AFTER_MS);
  }

  async function resume(): Promise<void> {
    if (resumed) return;
    due.clear();
    const recent = await deps.store.requests({ states: OVER, limit: EXAMINED_AT_START, newestFirst: true });
    for (const { key } of recent) examineLater(key);
    await unpark();
    resumed = true;
  }

  /** What could not be opened is tried again by a new start: a model may be there now. */
  async function unpark(): Promise<void> {
    const pending = await deps.store.evidence.demands({ states: ["pending"], limit: MAX_DUE });
    for (const { demandId, demand, parkedReason } of pending)
      if (demand.operatorId === deps.me && parkedReason !== null)
        await deps.store.evidence.noteDemand(demandId, { parkedReason: null, output: null });
  }

  async function examineDue(): Promise<number> {
    for (const [key, at] of due) {
      if (at > deps.now()) return at;
      // Behind the others if it fails, so that one request cannot keep them from being examined.
      due.delete(key);
      try {
        await examineClosed(deps, key);
      } catch (error) {
        due.set(key, deps.now() + LOOK_MS);
        throw error;
      }
    }
    return Number.POSITIVE_INFINITY;
  }

  return {
    examineLater,
    async look() {
      if (!synced()) return deps.now() + UNSYNCED_MS;
      await resume();
      const looks = [examineDue, answerDemands, reportEquivocations, makeDemands, closeDemands];
      let next = deps.now() + LOOK_MS;
      for (const look of looks) {
        try {
          next = Math.min(next, await look(deps));
        } catch (error) {
          // One that an endpoint failed must not keep the others from running.
          deps.log.warn(
            { err: error, look: look.name },
            "a look at evidence and demands failed; trying again",
          );
          next = Math.min(next, deps.now() + UNSYNCED_MS);
        }
      }
      return next;
    },
  };
}

/** Whether a transaction of the court's kinds still has something to do. */
export async function isCourtNeeded(
  { store, now }: Pick<CourtDeps, "store" | "now">,
  key: RequestKey,
  kind: CourtKind,
): Promise<boolean> {
  const id = key.slice(key.indexOf("-") + 1) as Hex;
  switch (kind) {
    case "report": {
      const proof = await store.evidence.find(id);
      return proof !== null && (await store.evidence.slash(proof.operatorId)) === null;
    }
    case "demand": {
      const proof = await store.evidence.find(id);
      // No court takes a demand about a request that opened more than a day ago.
      if (proof === null || now() - proof.foundAt > DAY_MS) return false;
      const demand = demandOf(proof);
      return demand !== null && (await store.evidence.demand(demand.demandId)) === null;
    }
    case "open":
    case "close":
      return (await store.evidence.demand(id))?.state === "pending";
  }
}
