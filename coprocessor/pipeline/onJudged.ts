import { isAddressEqual } from "viem";
import type { ChainEvent } from "../chain/port.ts";
import { requestKey } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

type Judged = Extract<
  ChainEvent,
  { type: "EquivocationSlashed" | "OpeningDemanded" | "CommitmentOpened" | "OpeningMissed" }
>;

/** Records what the registry and the opening courts say about operators, as far as it concerns us. */
export async function onJudged(deps: PipelineDeps, event: Judged): Promise<void> {
  const { store, log, me, scope, key } = deps;
  const { blockNumber, transactionHash } = event.position;
  switch (event.type) {
    case "EquivocationSlashed": {
      const { operatorId, requestId, reporter, amountWei, rewardWei } = event;
      const slash = { operatorId, requestId, reporter, amountWei, rewardWei, transaction: transactionHash };
      await store.evidence.putSlash(slash, blockNumber);
      const level = operatorId === me ? "error" : "info";
      const ours = isAddressEqual(reporter, key.address);
      log[level](
        { operatorId, requestId, reporter, ours, amountWei: String(amountWei), rewardWei: String(rewardWei) },
        operatorId === me ? "we were slashed for equivocation" : "an operator was slashed for equivocation",
      );
      break;
    }
    case "OpeningDemanded": {
      const { demand, demandId, court, demander, deadline } = event;
      const requestOfOurs = requestKey(scope.chainId, scope.oracle, demand.requestId);
      const concernsUs =
        demand.operatorId === me ||
        isAddressEqual(demander, key.address) ||
        (await store.request(requestOfOurs)) !== null;
      if (!isAddressEqual(demand.oracle, scope.oracle) || !concernsUs) return;
      await store.evidence.putDemand({
        demandId,
        court,
        demand,
        demander,
        deadline,
        state: "pending",
        demandedBlock: blockNumber,
        demandedTransaction: transactionHash,
        closedBlock: null,
        amountWei: null,
        rewardWei: null,
        output: null,
        parkedReason: null,
      });
      const { requestId, operatorId } = demand;
      log[operatorId === me ? "warn" : "info"](
        { demandId, requestId, operatorId, demander, deadline },
        operatorId === me ? "we have to open our commitment" : "an opening was demanded",
      );
      break;
    }
    case "CommitmentOpened": {
      const { demandId } = event;
      const closing = {
        state: "opened",
        closedBlock: blockNumber,
        amountWei: null,
        rewardWei: null,
      } as const;
      if (await store.evidence.closeDemand(demandId, closing))
        log.info({ demandId }, "a commitment was opened");
      break;
    }
    case "OpeningMissed": {
      const { demandId, amountWei, rewardWei } = event;
      const closing = { state: "missed", closedBlock: blockNumber, amountWei, rewardWei } as const;
      if (!(await store.evidence.closeDemand(demandId, closing))) return;
      const demand = await store.evidence.demand(demandId);
      const operatorId = demand?.demand.operatorId;
      log[operatorId === me ? "error" : "info"](
        { demandId, operatorId, amountWei: String(amountWei), rewardWei: String(rewardWei) },
        "an opening was missed",
      );
      break;
    }
  }
  deps.pokeCourt();
}
