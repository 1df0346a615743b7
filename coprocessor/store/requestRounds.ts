import type { RequestKey, RequestRecord } from "../core/request.ts";
import type { TextStatement } from "./database.ts";
import { asWritten, type HeardAbout } from "./messageRows.ts";
import type { RequestWrite, RequestWritten, StoredPeerMessage } from "./port.ts";
import { movedIn, moveStatement, moveText } from "./requestMoves.ts";

/** Where a round of writes goes: all of its statements in one transaction, on an embedded database in one exchange. */
export interface RoundTarget {
  readonly schema: string;
  /** Statements that it takes. */
  readonly mostAtOnce: number;
  /** All of them count, or none; rows are named as in SQL. */
  atOnce(statements: readonly TextStatement[]): Promise<Record<string, unknown>[][]>;
}

/** What Postgres says when something stands where a row is to go. */
const UNIQUE_VIOLATION = "23505";

/** Does many writes at once, as long as nothing stands in their way, which is how it nearly always is. */
export type WriteRound = (writes: readonly RequestWrite[], now: number) => Promise<RequestWritten[] | null>;

/**
 * Writes rounds without a question: where a slot is taken, or somebody contradicts himself, a row finds its place taken.
 * Then nothing is written, and null comes back: `writeAll` looks closely.
 */
export function createRounds(target: RoundTarget): WriteRound {
  const texts = textsFor(target.schema);
  return async (writes, now) => {
    const said = writes.flatMap(({ statement }) => (statement === undefined ? [] : [statement]));
    const heard = writes.map(({ key, statement, heard = [] }): HeardAbout[] => [
      ...(statement === undefined
        ? []
        : [{ key, message: statement.message, receivedAt: statement.createdAt }]),
      ...heard.map((one) => ({ key, ...one })),
    ]);
    const messages = heard.flat().map(asWritten);
    const rounds = withDifferentKeys(writes);

    const statements: TextStatement[] = [];
    if (said.length > 0) statements.push({ text: texts.say, params: [JSON.stringify(said)] });
    if (messages.length > 0) statements.push({ text: texts.hear, params: [JSON.stringify(messages)] });
    const places = rounds.map((round) => {
      const [moves, receipts] = [round.filter(hasMove), round.filter(hasReceiptAlone)];
      const place = moves.length === 0 ? null : statements.length;
      if (moves.length > 0) statements.push(moveAll(texts, moves, now));
      if (receipts.length > 0) statements.push({ text: texts.receipts, params: [receiptsOf(receipts)] });
      return place;
    });
    if (statements.length > target.mostAtOnce) return null;

    let answers: Record<string, unknown>[][];
    try {
      answers = await target.atOnce(statements);
    } catch (error) {
      if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) return null;
      throw error;
    }
    const stored = storedAmong(messages, messages.length === 0 ? [] : answers[said.length > 0 ? 1 : 0]);
    const records = new Map<RequestWrite, RequestRecord>();
    for (const [index, round] of rounds.entries()) {
      const place = places[index] ?? null;
      const moved = movedIn(place === null ? [] : (answers[place] ?? []));
      for (const write of round) {
        const record = hasMove(write) ? moved.get(write.key) : undefined;
        if (record !== undefined) records.set(write, record);
      }
    }
    let next = 0;
    return writes.map((write, index) => ({
      statement: write.statement ?? null,
      heard: (heard[index] ?? []).map(() => stored[next++] ?? null),
      record: records.get(write) ?? null,
    }));
  };
}

/** A statement changes a row once: what else is to happen to it comes in a later round. */
export function withDifferentKeys(writes: readonly RequestWrite[]): RequestWrite[][] {
  const rounds: RequestWrite[][] = [];
  const placed = new Map<RequestKey, number>();
  for (const write of writes) {
    if (write.move === undefined && write.receipt === undefined) continue;
    const round = placed.get(write.key) ?? 0;
    placed.set(write.key, round + 1);
    const members = rounds[round] ?? [];
    members.push(write);
    rounds[round] = members;
  }
  return rounds;
}

type Moving = RequestWrite & Required<Pick<RequestWrite, "move">>;

const hasMove = (write: RequestWrite): write is Moving => write.move !== undefined;
const hasReceiptAlone = ({ move, receipt }: RequestWrite) => move === undefined && receipt !== undefined;

/** All moves of a round in one statement, with the receipts that come with them. */
function moveAll(texts: Texts, writes: readonly Moving[], now: number): TextStatement {
  const moves = writes.map(({ key, move }) => ({ key, ...move }));
  const receipts = writes.filter(({ receipt }) => receipt !== undefined);
  if (receipts.length === 0) return moveStatement(texts.move, moves, now);
  const { text, params } = moveStatement(texts.moveWithReceipts, moves, now);
  return { text, params: [...params, receiptsOf(receipts)] };
}

const receiptsOf = (writes: readonly RequestWrite[]): string =>
  JSON.stringify(Object.fromEntries(writes.map(({ key, receipt }) => [key, receipt])));

/** For each message what was stored of it; what was known, or comes twice in a round, is stored once. */
function storedAmong(
  messages: readonly (HeardAbout & { digest: string })[],
  rows: readonly Record<string, unknown>[] = [],
): (StoredPeerMessage | null)[] {
  const seqs = new Map(rows.map(({ seq, key, digest }) => [`${key} ${digest}`, Number(seq)]));
  return messages.map(({ key, digest, message, receivedAt }) => {
    const seq = seqs.get(`${key} ${digest}`);
    seqs.delete(`${key} ${digest}`);
    return seq === undefined ? null : { seq, message, receivedAt };
  });
}

type Texts = ReturnType<typeof textsFor>;

function textsFor(schema: string) {
  const table = (name: string) => `"${schema}"."${name}"`;
  const move = moveText(schema);
  const putReceipts = (source: string) => `insert into ${table("receipt")} (key, receipt, computed_at)
    select key, receipt, (receipt ->> 'computedAt')::bigint from ${source}
    on conflict (key) do update set receipt = excluded.receipt, computed_at = excluded.computed_at`;
  return {
    say: `insert into ${table("statement")} (key, slot, message, created_at)
      select v.key, v.slot, v.message, v."createdAt"
      from json_to_recordset($1::json) as v (key text, slot text, message jsonb, "createdAt" bigint)`,
    // What is known word for word is passed over; what contradicts it finds its slot taken.
    hear: `insert into ${table("peer_message")}
        (key, kind, operator_id, view, digest, message, received_at, ordinal)
      select v.key, v.kind, v."operatorId", v.view, v.digest, v.message, v."receivedAt", 0
      from rows from (json_to_recordset($1::json) as (key text, kind text, "operatorId" bigint, view bigint,
        digest text, message jsonb, "receivedAt" bigint)) with ordinality as
        v (key, kind, "operatorId", view, digest, message, "receivedAt", place)
      order by v.place
      on conflict (key, kind, operator_id, view, digest) do nothing
      returning seq, key, digest`,
    move,
    moveWithReceipts: `with moved as (${move}), stored as (${putReceipts(
      "moved join jsonb_each($4::jsonb) as ran (key, receipt) using (key)",
    )})
      select * from moved`,
    receipts: putReceipts("jsonb_each($1::jsonb) as ran (key, receipt)"),
  };
}
