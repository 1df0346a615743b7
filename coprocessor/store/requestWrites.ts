import type { RequestRecord } from "../core/request.ts";
import type { Queries } from "./database.ts";
import { addPeerMessages, type HeardAbout, recordStatements } from "./messageRows.ts";
import type { RequestWrite, RequestWritten } from "./port.ts";
import { putReceipts } from "./receiptRows.ts";
import { moveRequests } from "./requestMoves.ts";
import { withDifferentKeys } from "./requestRounds.ts";

/**
 * Does many writes with few statements: all of one kind together, in the order in which one write's parts depend on each
 * other. Call it inside a transaction.
 *
 * @param now Unix milliseconds.
 */
export async function writeAll(
  queries: Queries,
  schema: string,
  writes: readonly RequestWrite[],
  now: number,
): Promise<RequestWritten[]> {
  const said = writes.flatMap(({ statement }) => (statement === undefined ? [] : [statement]));
  const standing = await recordStatements(queries, said);
  let place = 0;
  const statements = writes.map(({ statement }) =>
    statement === undefined ? null : (standing[place++] ?? null),
  );

  const messages = writes.map(({ key, statement, heard = [] }, index): HeardAbout[] => {
    const ours = statements[index] ?? null;
    const own =
      statement === undefined || ours === null
        ? []
        : [{ key, message: ours.message, receivedAt: statement.createdAt }];
    return [...own, ...heard.map((one) => ({ key, ...one }))];
  });
  const added = await addPeerMessages(queries, messages.flat());
  let next = 0;
  const heard = messages.map((ofWrite) => {
    const results = added.slice(next, next + ofWrite.length);
    next += ofWrite.length;
    return results;
  });

  const records = new Map<RequestWrite, RequestRecord | null>();
  for (const round of withDifferentKeys(writes)) {
    const moves = round.flatMap(({ key, move }) => (move === undefined ? [] : [{ key, ...move }]));
    const moved = await moveRequests(queries, schema, moves, now);
    for (const write of round) records.set(write, moved.get(write.key) ?? null);
    const receipts = round.flatMap(({ key, move, receipt }) =>
      receipt === undefined || (move !== undefined && !moved.has(key)) ? [] : [{ key, receipt }],
    );
    await putReceipts(queries, receipts);
  }
  return writes.map((write, index) => ({
    statement: statements[index] ?? null,
    heard: heard[index] ?? [],
    record: records.get(write) ?? null,
  }));
}
