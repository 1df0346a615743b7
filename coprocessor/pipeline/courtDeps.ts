import type { Hex } from "viem";
import type { Stakes } from "../chain/port.ts";
import { hasFailed, type OutboxEntry } from "../core/outbox.ts";
import type { CourtPolicy } from "../core/punishmentCost.ts";
import type { TransactionSender } from "../submit/port.ts";
import type { PipelineDeps } from "./deps.ts";

/** What the stages that report and open act through. */
export interface CourtDeps extends PipelineDeps {
  submit: TransactionSender;
  stakes: Stakes;
  policy: CourtPolicy;
  /** Where each evidence, by its id, and each demand stands now; shown by status. */
  standing: Map<Hex, string>;
}

/** Keys of the outbox's entries, which are about no request. */
export const courtKey = {
  report: (evidenceId: Hex) => `report-${evidenceId}`,
  demand: (evidenceId: Hex) => `demand-${evidenceId}`,
  open: (demandId: Hex) => `open-${demandId}`,
  close: (demandId: Hex) => `close-${demandId}`,
} as const;

/** Times that a transaction which failed is planned anew. */
export const MAX_TRIES = 3;

/** Under way, or done: there is nothing to plan. */
export const isLive = (entry: OutboxEntry): boolean => !hasFailed(entry);

/** Notes where something stands, and says it once. */
export function stand(
  { standing, log }: Pick<CourtDeps, "standing" | "log">,
  id: Hex,
  reason: string,
  level: "info" | "warn" | "error" = "info",
): void {
  if (standing.get(id) === reason) return;
  if (standing.size >= MAX_STANDING) standing.clear();
  standing.set(id, reason);
  log[level]({ id, reason }, "evidence or demand");
}

const MAX_STANDING = 4_096;
