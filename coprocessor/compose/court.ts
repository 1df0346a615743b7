import type { Hex } from "viem";
import type { Stakes } from "../chain/port.ts";
import type { CourtPolicy } from "../core/punishmentCost.ts";
import type { StatusSource } from "../observe/statusServer.ts";
import { demandOfJob, onRecomputed } from "../pipeline/answerDemands.ts";
import { type Court, createCourt } from "../pipeline/court.ts";
import type { CourtDeps } from "../pipeline/courtDeps.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import { explainDemand, explainEvidence } from "../pipeline/explainEvidence.ts";
import { type Loop, startLoop } from "../pipeline/loop.ts";
import type { JobOutcome } from "../queue/port.ts";
import type { TransactionSender } from "../submit/port.ts";

/** The parts of a node that hold operators, itself included, to what they signed. */
export interface CourtParts extends Court {
  /** Takes the outcome of a job that is the court's own; false for any other. */
  onOutcome(jobKey: string, outcome: JobOutcome): Promise<boolean>;
  status: Pick<StatusSource, "evidence" | "evidenceById" | "openings">;
  /** Looks at what is due now; nothing happens before `start`. */
  poke(): void;
  /** Looks at what is due, from now on until `stop`. */
  start(): void;
  stop(): Promise<void>;
}

/** Puts the court together from parts that the node has. */
export function composeCourt(
  deps: PipelineDeps,
  of: {
    stakes: Stakes;
    submit: TransactionSender;
    policy: CourtPolicy;
    synced(): boolean;
  },
): CourtParts {
  const courtDeps: CourtDeps = {
    ...deps,
    submit: of.submit,
    stakes: of.stakes,
    policy: of.policy,
    standing: new Map(),
  };
  const court = createCourt(courtDeps, of.synced);
  const { evidence } = deps.store;
  let loop: Loop | null = null;
  return {
    ...court,
    async onOutcome(jobKey, outcome) {
      const demandId = demandOfJob(jobKey);
      if (demandId === null) return false;
      await onRecomputed(courtDeps, demandId, outcome);
      return true;
    },
    status: {
      async evidence({ operatorId, kind, limit }) {
        const filter = {
          limit,
          ...(operatorId === null ? {} : { operatorId }),
          ...(kind === null ? {} : { kind }),
        };
        const rows = await evidence.list(filter);
        return Promise.all(rows.map((row) => explainEvidence(courtDeps, row)));
      },
      evidenceById: (id) => evidence.find(id as Hex),
      async openings(limit) {
        const rows = await evidence.demands({ states: ["pending", "opened", "missed"], limit });
        return rows.map((row) => explainDemand(courtDeps, row));
      },
    },
    poke: () => loop?.poke(),
    start() {
      loop = startLoop("court", deps.log, deps.now, () => court.look());
    },
    async stop() {
      await loop?.stop();
    },
  };
}
