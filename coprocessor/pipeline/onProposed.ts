import { unpackRequest, unpackSigners } from "@sibyl/sdk";
import type { ChainEvent } from "../chain/port.ts";
import { type RequestKey, requestKey, UNCLOSED_STATES } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

type Proposing = Extract<ChainEvent, { type: "OutputProposed" | "ProposalSuspended" }>;

/** Records that the chain has an answer which may still be challenged, or that it was. */
export async function onProposed(deps: PipelineDeps, event: Proposing): Promise<RequestKey[]> {
  const key = requestKey(deps.scope.chainId, deps.scope.oracle, event.requestId);
  const record = await deps.store.request(key);
  if (record === null) return [];
  const { requestId } = event;
  switch (event.type) {
    case "OutputProposed": {
      const { proposal, output } = event;
      const endsAt = proposal.proposedAt + unpackRequest(record.request).challengeWindow;
      await deps.store.transition(key, UNCLOSED_STATES, "proposed", {
        proposed: { proposal, output },
        proposedBlock: event.position.blockNumber,
        reason: `may be challenged until ${endsAt} (unix seconds)`,
      });
      const signed = unpackSigners(proposal.signers).includes(deps.me);
      deps.log.info({ requestId, outputHash: proposal.outputHash, endsAt, signed }, "output proposed");
      return [key];
    }
    case "ProposalSuspended":
      // A jury's own event, in the same transaction, says more.
      if (record.state === "challenged") return [];
      await deps.store.transition(key, ["proposed"], "challenged", {
        challengedBlock: event.position.blockNumber,
        reason: "challenged; the request's arbiter decides",
      });
      deps.log.warn({ requestId }, "the proposal was challenged");
      return [key];
  }
}
