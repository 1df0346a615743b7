import { unpackRequest } from "@sibyl/sdk";
import type { OutboxKind } from "../core/outbox.ts";
import { isOpen, type RequestKey } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/**
 * Whether a transaction of this kind can still matter, by our row.
 *
 * A finalization of a proposal that was challenged does not: the ruling itself closes the request.
 */
export async function isNeeded(
  { store, clock, now }: Pick<PipelineDeps, "store" | "clock" | "now">,
  key: RequestKey,
  kind: OutboxKind,
): Promise<boolean> {
  const record = await store.request(key);
  if (record === null) return false;
  switch (kind) {
    case "settle":
    case "settleBatch":
    case "resolve":
      return isOpen(record.state);
    case "finalize":
      return record.state === "proposed";
    case "challenge": {
      if (record.state !== "proposed" || record.proposed === null) return false;
      const { challengeWindow } = unpackRequest(record.request);
      const endsAt = record.proposed.proposal.proposedAt + challengeWindow;
      return clock.now(now()) <= (endsAt + 1) * 1_000;
    }
    case "lapse":
      return record.dispute !== null && record.verdict === null;
  }
}
