import { keccak256 } from "@sibyl/sdk/keccak256";
import type { ChainEvent } from "../chain/port.ts";
import { type RequestKey, requestKey, UNCLOSED_STATES } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

type Closing = Extract<
  ChainEvent,
  { type: "RequestSettled" | "CallbackFailed" | "Redelivered" | "RequestExpired" }
>;

/** Records how the chain closed a request. */
export async function onClosed(deps: PipelineDeps, event: Closing): Promise<RequestKey[]> {
  const key = requestKey(deps.scope.chainId, deps.scope.oracle, event.requestId);
  const record = await deps.store.request(key);
  if (record === null) return [];
  const closed = {
    closedBlock: event.position.blockNumber,
    closedTransaction: event.position.transactionHash,
  };
  const { requestId } = event;
  switch (event.type) {
    case "RequestSettled": {
      const patch = { ...closed, settledOutput: event.output, reason: null };
      // A parked request may still be answered by others.
      await deps.store.transition(key, UNCLOSED_STATES, "settled", patch);
      const outputHash = keccak256(event.output);
      const same = record.outputHash === null ? null : record.outputHash === outputHash;
      const signed = event.signers.includes(deps.me);
      deps.log.info({ requestId, outputHash, sameAsOurs: same, signed }, "request settled");
      return [key];
    }
    case "RequestExpired": {
      const reason = deps.waiting.get(key) ?? record.reason ?? "expired on chain";
      await deps.store.transition(key, UNCLOSED_STATES, "expired", { ...closed, reason });
      deps.log.info({ requestId, reason }, "request refunded");
      return [key];
    }
    case "CallbackFailed":
      await deps.store.transition(key, ["settled"], "settled", {
        callbackFailed: true,
        reason: `consumer/callback-failed: it returned ${event.reason === "0x" ? "nothing" : event.reason}; anyone may redeliver`,
      });
      deps.log.warn(
        { requestId, returned: event.reason },
        "the consumer's callback failed; it can be redelivered",
      );
      return [];
    case "Redelivered":
      await deps.store.transition(key, ["settled"], "settled", {
        callbackFailed: false,
        reason: null,
      });
      return [];
  }
}
