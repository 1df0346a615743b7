import { and, eq, exists, gt, inArray, isNotNull, lte, not, or, sql } from "drizzle-orm";
import { impliedState } from "../core/impliedState.ts";
import type { RequestKey } from "../core/request.ts";
import type { Queries } from "./database.ts";
import { rewindOutbox } from "./outboxRows.ts";
import { rewindRegistry } from "./registryRows.ts";
import { blocks, peerMessages, requests, statements } from "./schema.ts";

/**
 * Takes back what blocks after `ancestor` said; call it inside a transaction.
 *
 * Statements stay for ever: the same request id may come back, and we must then say the same. So does the output that
 * they are about, hidden until `insertRequest`. What peers said goes with a removed request, because the draw, and with
 * it whose commitment came in time, may be another next time, and peers repeat themselves.
 */
export async function rewind(queries: Queries, ancestor: bigint, now: number): Promise<RequestKey[]> {
  const removed = await removeOpened(queries, ancestor);
  const reopened = await reopenClosed(queries, ancestor, now);
  await rewindRegistry(queries, ancestor);
  await rewindOutbox(queries, ancestor, now);
  await queries.delete(blocks).where(gt(blocks.number, ancestor));
  return [...removed, ...reopened];
}

async function removeOpened(queries: Queries, ancestor: bigint): Promise<RequestKey[]> {
  const openedAfter = and(gt(requests.openedBlock, ancestor), not(requests.removed));
  const hasSpoken = exists(
    queries.select({ one: sql`1` }).from(statements).where(eq(statements.key, requests.key)),
  );
  const kept = await queries
    .update(requests)
    .set({ removed: true })
    .where(and(openedAfter, isNotNull(requests.output), hasSpoken))
    .returning({ key: requests.key });
  const deleted = await queries.delete(requests).where(openedAfter).returning({ key: requests.key });
  const keys = [...kept, ...deleted].map((row) => row.key);
  await queries.delete(peerMessages).where(inArray(peerMessages.key, keys));
  return keys;
}

async function reopenClosed(queries: Queries, ancestor: bigint, now: number): Promise<RequestKey[]> {
  const closed = await queries
    .select({
      key: requests.key,
      outputHash: requests.outputHash,
      proposedBlock: requests.proposedBlock,
      challengedBlock: requests.challengedBlock,
    })
    .from(requests)
    .where(
      and(
        or(
          gt(requests.closedBlock, ancestor),
          gt(requests.proposedBlock, ancestor),
          gt(requests.challengedBlock, ancestor),
        ),
        lte(requests.openedBlock, ancestor),
        not(requests.removed),
      ),
    );
  const stays = (block: bigint | null) => block !== null && block <= ancestor;
  for (const { key, outputHash, proposedBlock, challengedBlock } of closed) {
    const said = await queries
      .select({ slot: statements.slot })
      .from(statements)
      .where(eq(statements.key, key));
    const state = impliedState(
      said.map((row) => row.slot),
      outputHash !== null,
    );
    await queries
      .update(requests)
      .set({
        state: stays(challengedBlock) ? "challenged" : stays(proposedBlock) ? "proposed" : state,
        reason: null,
        ...(stays(proposedBlock) ? {} : { proposed: null, proposedBlock: null }),
        ...(stays(challengedBlock) ? {} : { challengedBlock: null, disputeId: null }),
        verdict: null,
        closedBlock: null,
        closedTransaction: null,
        settledOutput: null,
        callbackFailed: false,
        updatedAt: now,
      })
      .where(eq(requests.key, key));
  }
  return closed.map((row) => row.key);
}
