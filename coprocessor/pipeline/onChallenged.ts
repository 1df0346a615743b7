import { proposalHash } from "@sibyl/sdk";
import type { ChainEvent } from "../chain/port.ts";
import type { Verdict } from "../core/dispute.ts";
import { newRecord, type RequestKey, requestKey, UNCLOSED_STATES } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";
import { takeUpAgain } from "./takeUpAgain.ts";

type Disputing = Extract<
  ChainEvent,
  { type: "ProposalChallenged" | "ProposalUpheld" | "ProposalOverturned" | "DisputeLapsed" }
>;

/** Opens a dispute's row when a proposal is challenged, and records how the chain ended it. */
export async function onChallenged(deps: PipelineDeps, event: Disputing): Promise<RequestKey[]> {
  const { disputeId, requestId } = event;
  switch (event.type) {
    case "ProposalChallenged":
      return open(deps, event);
    case "ProposalUpheld":
    case "ProposalOverturned": {
      const verdict = event.type === "ProposalUpheld" ? "upheld" : "overturned";
      const by = `${verdict} by operators ${event.jurors.join(", ")}`;
      deps.log.info({ disputeId, requestId, jurors: event.jurors }, `the proposal was ${verdict}`);
      return close(deps, event, verdict, "settled", by);
    }
    case "DisputeLapsed":
      deps.log.warn({ disputeId, requestId }, "no jury agreed in time; the request is refunded");
      return close(deps, event, "lapsed", "expired", null);
  }
}

async function open(
  deps: PipelineDeps,
  event: Extract<ChainEvent, { type: "ProposalChallenged" }>,
): Promise<RequestKey[]> {
  const { chainId, oracle } = deps.scope;
  const { disputeId, requestId, dispute, arbiter, position } = event;
  const disputed = await deps.store.request(requestKey(chainId, oracle, requestId));
  if (disputed === null) {
    deps.log.debug({ disputeId, requestId }, "a dispute about a request that does not concern us");
    return [];
  }
  const { proposed } = disputed;
  if (proposed === null || proposalHash(proposed.proposal) !== proposalHash(dispute.proposal)) {
    deps.log.warn(
      { disputeId, requestId },
      "a dispute about another proposal than the chain showed; ignored",
    );
    return [];
  }
  const record = newRecord(
    {
      ...deps.scope,
      requestId: disputeId,
      dispute: { requestId, arbiter: arbiter.address, dispute, output: proposed.output },
      request: disputed.request,
      input: disputed.input,
      deadline: dispute.challengedAt + arbiter.verdictSeconds,
      openedBlock: position.blockNumber,
      openedBlockHash: position.blockHash,
      openedTransaction: position.transactionHash,
      state: "waiting",
    },
    deps.now(),
  );
  const isNew = await deps.store.insertRequest(record);
  if (!isNew) return [];
  await takeUpAgain(deps, record);
  await deps.store.transition(disputed.key, UNCLOSED_STATES, "challenged", {
    challengedBlock: position.blockNumber,
    disputeId,
    reason: `challenged; its jury has until ${record.deadline} (unix seconds)`,
  });
  const { challenger } = dispute;
  deps.log.warn(
    { disputeId, requestId, challenger, verdictUntil: record.deadline },
    "a proposal was challenged",
  );
  return [disputed.key, record.key];
}

async function close(
  deps: PipelineDeps,
  { disputeId, position }: Disputing,
  verdict: Verdict,
  state: "settled" | "expired",
  reason: string | null,
): Promise<RequestKey[]> {
  const key = requestKey(deps.scope.chainId, deps.scope.oracle, disputeId);
  const record = await deps.store.request(key);
  if (record === null) return [];
  await deps.store.transition(key, UNCLOSED_STATES, state, {
    closedBlock: position.blockNumber,
    closedTransaction: position.transactionHash,
    verdict,
    reason: reason ?? deps.waiting.get(key) ?? record.reason ?? "no verdict",
    ...(verdict === "upheld" ? { settledOutput: record.dispute?.output ?? null } : {}),
  });
  return [key];
}
