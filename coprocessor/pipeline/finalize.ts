import { encodeFinalize, unpackRequest } from "@sibyl/sdk";
import { size } from "viem";
import { decideFinalization } from "../core/finalization.ts";
import type { OutboxEntry } from "../core/outbox.ts";
import type { ProposedOutput, RequestRecord } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/**
 * Plans the transaction that finalizes a proposal, when it is this operator's turn.
 *
 * A proposal that was challenged meanwhile stays planned and unsent: its simulation reverts until the arbiter has decided,
 * and the entry is abandoned once the chain has closed the request.
 */
export async function finalizeWhenDue(
  deps: PipelineDeps,
  record: RequestRecord,
  delayMs: number,
): Promise<void> {
  const { proposed } = record;
  if (proposed === null) return;
  const earlier = (await deps.store.outboxFor(record.key)).filter(({ kind }) => kind === "finalize");
  const failed = earlier.filter(hasFailed);
  const now = deps.now();
  const step = decideFinalization({
    me: deps.me,
    proposal: proposed.proposal,
    challengeWindow: unpackRequest(record.request).challengeWindow,
    finalizing: earlier.some((entry) => !hasFailed(entry)),
    failedFinalizations: {
      count: failed.length,
      lastAt: Math.max(0, ...failed.map((entry) => entry.updatedAt)),
    },
    delayMs,
    chainNow: deps.clock.now(now),
    now,
  });
  if (step.type === "wait") deps.wake(record.key, step.until);
  if (step.type !== "finalize") return;
  await deps.store.insertOutbox(entryFor(record, proposed, earlier.length, now));
  deps.log.info({ requestId: record.requestId }, "finalization planned");
  deps.pokeOutbox();
}

const hasFailed = ({ state, succeeded }: OutboxEntry): boolean =>
  state === "abandoned" || succeeded === false;

function entryFor(record: RequestRecord, proposed: ProposedOutput, count: number, now: number): OutboxEntry {
  const { proposal, output } = proposed;
  const fields = unpackRequest(record.request);
  return {
    id: `finalize/${record.key}/${count}`,
    key: record.key,
    kind: "finalize",
    to: record.oracle,
    data: encodeFinalize(record.request, proposal, output),
    gas: finalizeGasLimit(fields.callbackGasLimit, fields.quorum, size(output)),
    maxFeePerGasCap: fields.maxGasPrice,
    state: "planned",
    nonce: null,
    attempts: [],
    minedTransaction: null,
    minedBlock: null,
    succeeded: null,
    reason: null,
    createdAt: now,
    updatedAt: now,
  };
}

/** An upper bound, with the 63/64 check in front of an exact callback; what is not used costs nothing. */
function finalizeGasLimit(callbackGasLimit: number, quorum: number, outputBytes: number): bigint {
  const fixed = 150_000;
  const perSigner = 30_000;
  const perOutputByte = 64;
  const callback = Math.ceil((callbackGasLimit * 64) / 63);
  return BigInt(fixed + perSigner * quorum + perOutputByte * outputBytes + callback);
}
