import { CoprocessorError } from "../core/errors.ts";
import type { OutboxEntry } from "../core/outbox.ts";
import type { RequestKey, RequestRecord } from "../core/request.ts";
import type { Statement } from "../core/statement.ts";
import type { Queries } from "./database.ts";
import type { RowAccess } from "./evidenceRows.ts";
import { Gathering } from "./gathering.ts";
import { listPeerMessages, listStatements } from "./messageRows.ts";
import { insertOutboxAll, listOutboxFor } from "./outboxRows.ts";
import type { RequestWrite, RequestWritten, StoredPeerMessage } from "./port.ts";
import type { WriteRound } from "./requestRounds.ts";
import { listRequests } from "./requestRows.ts";
import { writeAll } from "./requestWrites.ts";

/** What is asked and written about single requests, dozens of times for each of them. */
export interface RequestQueries {
  write(write: RequestWrite): Promise<RequestWritten>;
  request(key: RequestKey): Promise<RequestRecord | null>;
  statements(key: RequestKey): Promise<Statement[]>;
  peerMessages(key: RequestKey): Promise<StoredPeerMessage[]>;
  outboxFor(key: RequestKey): Promise<OutboxEntry[]>;
  insertOutbox(entry: OutboxEntry): Promise<boolean>;
}

export interface RequestQueriesOptions {
  /** Whether these speak inside a transaction: there a failure is everybody's. */
  isTransaction: boolean;
  /** Throws where this store must not be used. */
  refuse(operation: string): void;
  /** Where the rows are. */
  schema: string;
  /** Null where a round has to be looked at closely. */
  writeRound: WriteRound;
  /** Unix milliseconds. */
  now(): number;
}

/** Requests in one round: what one statement takes or brings back must not fill the memory. */
const MOST = 64;

/** A statement for each round of questions, and a few for each round of writes. */
export function createRequestQueries(access: RowAccess, options: RequestQueriesOptions): RequestQueries {
  type All<Item, Result> = (queries: Queries, items: readonly Item[]) => Promise<readonly Result[]>;

  const gathered = <Item, Result>(
    operation: keyof RequestQueries,
    run: (items: readonly Item[]) => Promise<readonly Result[]>,
  ): ((item: Item) => Promise<Result>) => {
    const gathering = new Gathering({
      run,
      most: MOST,
      isOfOne: options.isTransaction ? () => false : isRejected,
    });
    return async (item) => {
      options.refuse(operation);
      return gathering.add(item);
    };
  };

  const each = <Item, Result>(
    operation: keyof RequestQueries,
    how: "read" | "write",
    all: All<Item, Result>,
  ) =>
    gathered(operation, (items: readonly Item[]) => access[how](operation, (queries) => all(queries, items)));

  async function writeRound(writes: readonly RequestWrite[]): Promise<readonly RequestWritten[]> {
    const now = options.now();
    // A transaction is somebody else's, and must not fail for what may have to be looked at.
    const written = options.isTransaction
      ? null
      : await access.write("write", () => options.writeRound(writes, now));
    return (
      written ?? access.writeTogether("write", (queries) => writeAll(queries, options.schema, writes, now))
    );
  }

  const read = <Row extends { key: RequestKey }, Result>(
    operation: keyof RequestQueries,
    list: (queries: Queries, keys: readonly RequestKey[]) => Promise<Row[]>,
    toResult: (rows: Row[]) => Result,
  ) =>
    each<RequestKey, Result>(operation, "read", async (queries, keys) => {
      const byKey = new Map<RequestKey, Row[]>(keys.map((key) => [key, []]));
      for (const row of await list(queries, [...byKey.keys()])) byKey.get(row.key)?.push(row);
      return keys.map((key) => toResult(byKey.get(key) ?? []));
    });

  return {
    write: gathered("write", writeRound),
    request: read(
      "request",
      (queries, keys) => listRequests(queries, { keys }),
      ([row]) => row ?? null,
    ),
    statements: read("statements", listStatements, (rows) => rows),
    peerMessages: read("peerMessages", listPeerMessages, (rows) => rows.map(({ key: _, ...heard }) => heard)),
    outboxFor: read("outboxFor", listOutboxFor, (rows) => rows),
    insertOutbox: each("insertOutbox", "write", (queries, entries) =>
      insertOutboxAll(queries, options.schema, entries),
    ),
  };
}

/** What the database refuses is the fault of one; anything else would be the same for all. */
const isRejected = (error: unknown): boolean =>
  error instanceof CoprocessorError && error.code === "store/rejected";
