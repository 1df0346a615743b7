import { encodeFinalize, unpackRequest } from "@sibyl/sdk";
import { size } from "viem";
import { decideFinalization } from "../core/finalization.ts";
import { hasFailed, type OutboxEntry } from "../core/outbox.ts";
import { concludingGas, plannedTransaction } from "../core/plannedTransaction.ts";
import type { ProposedOutput, RequestRecord } from "../core/request.ts";
import type { PipelineDeps } from "./deps.ts";

/** Gas that one more paid signer adds to a finalization. */
const GAS_PER_PAYOUT = 30_000;

/**
 * Plans the transaction that finalizes a proposal, when it is this operator's turn.
 *
 * Once a proposal is challenged, what is planned is abandoned: the ruling itself closes the request. A reorg that takes the
 * challenge back has it planned anew.
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

function entryFor(record: RequestRecord, proposed: ProposedOutput, count: number, now: number): OutboxEntry {
  const { proposal, output } = proposed;
  const { callbackGasLimit, quorum, maxGasPrice } = unpackRequest(record.request);
  const outputBytes = size(output);
  return plannedTransaction(
    {
      id: `finalize/${record.key}/${count}`,
      key: record.key,
      kind: "finalize",
      to: record.oracle,
      data: encodeFinalize(record.request, proposal, output),
      gas: concludingGas({ callbackGasLimit, signers: quorum, gasPerSigner: GAS_PER_PAYOUT, outputBytes }),
      maxFeePerGasCap: maxGasPrice,
    },
    now,
  );
}
