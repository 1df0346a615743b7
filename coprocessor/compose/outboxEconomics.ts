import { unpackRequest } from "@sibyl/sdk";
import type { Config } from "../config.ts";
import type { ChainClock } from "../core/chainClock.ts";
import { inWei, shareOfFee } from "../core/earnings.ts";
import type { Takings } from "../core/economics.ts";
import type { OutboxEconomics } from "../pipeline/outboxDeps.ts";
import type { Store } from "../store/port.ts";

/** Values what the outbox owes by the requests' own words and the operator's configuration as it is now. */
export function outboxEconomics(live: { current: Config }, store: Store, clock: ChainClock): OutboxEconomics {
  return {
    async takings({ key, kind }): Promise<Takings | null> {
      if (kind !== "settle" && kind !== "finalize") return null;
      const record = await store.request(key);
      if (record === null) return null;
      const fields = unpackRequest(record.request);
      const now = Date.now();
      // A proposal has spent its part of the reserve, and nothing ends the time to finalize.
      const spentWei = record.proposed?.proposal.gasOwed ?? 0n;
      return {
        shareWei: inWei(shareOfFee(fields), fields.tokenIndex, live.current.operations.prices),
        reserveWei: fields.gasReserve - (kind === "finalize" ? spentWei : 0n),
        maxGasPrice: fields.maxGasPrice,
        deadlineMs:
          kind === "finalize" ? Number.POSITIVE_INFINITY : record.deadline * 1_000 - (clock.now(now) - now),
      };
    },
    minProfitWei: () => live.current.operations.minProfitWei,
    batchWindowMs: () => live.current.operations.batchWindowMs,
  };
}
