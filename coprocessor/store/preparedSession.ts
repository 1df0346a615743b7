import {
  type messages,
  type PGlite,
  parse,
  protocol,
  type QueryOptions,
  type Results,
  type Transaction,
} from "@electric-sql/pglite";

/** What the store and the queue use of PGlite. */
export type EmbeddedSession = Pick<PGlite, "query" | "exec" | "transaction" | "onNotification">;

/** The same, for who has several statements at a time. */
export interface PreparedSession extends EmbeddedSession {
  /**
   * Runs several statements, which share one commit: all of them count, or none. What one of them throws, the others
   * throw.
   *
   * @param statements At most `MAX_TOGETHER`.
   */
  queryTogether(statements: readonly Statement[]): Promise<Results<Record<string, unknown>>[]>;
}

export interface Statement {
  text: string;
  params: readonly unknown[];
}

/** Statements that stay prepared; a node uses some 150, a rare one makes room. */
const MAX_STATEMENTS = 256;
/** Fewer than stay prepared: none of them makes room for another. Whoever else wants the session waits for them. */
export const MAX_TOGETHER = 32;

interface Prepared {
  name: string;
  /** Type of each parameter. */
  types: readonly number[];
}

/**
 * Runs statements on PGlite as prepared ones, each with all of its protocol messages in one call.
 *
 * PGlite's own `query` prepares anew every time and enters WebAssembly six times for it; what a node asks is some sixty
 * statements for each request, always the same ones. This takes a fifth to a tenth of the processor time.
 *
 * Not for statements after a change of the schema: a plan that returns other columns than before is refused.
 */
export function preparedSession(pglite: PGlite): PreparedSession {
  const statements = new Map<string, Prepared>();
  let named = 0;

  async function query<Row>(
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
    syncToFs = false,
  ): Promise<Results<Row>> {
    const [results] = await run<Row>([{ text, params }], options, syncToFs);
    return results as Results<Row>;
  }

  /** Without a `sync` in between, Postgres takes statements for one transaction. */
  function run<Row>(
    wanted: readonly Statement[],
    options: QueryOptions,
    syncToFs: boolean,
  ): Promise<Results<Row>[]> {
    return pglite.runExclusive(async () => {
      const parts: Uint8Array[] = [];
      for (const { text, params } of wanted) {
        const prepared = statements.get(text) ?? (await prepare(text));
        // Again at the end of the line.
        statements.delete(text);
        statements.set(text, prepared);
        parts.push(...executionOf(prepared, params));
      }
      const answer = await send([...parts, protocol.serialize.sync()], syncToFs);
      // On top of PGlite's, which would copy all of its hundreds for each answer.
      const { parsers: own, ...rest } = options;
      const parsers = Object.assign(Object.create(pglite.parsers), own);
      return answersIn(answer).map((one) => parse.parseResults(one, parsers, rest)[0] as Results<Row>);
    });
  }

  function executionOf({ name, types }: Prepared, params: readonly unknown[]): Uint8Array[] {
    const { serialize } = protocol;
    const values = params.map((value, index) => {
      if (value === null || value === undefined) return null;
      const serializer = pglite.serializers[types[index] as number];
      return serializer === undefined ? String(value) : serializer(value);
    });
    return [
      serialize.bind({ statement: name, values }),
      serialize.describe({ type: "P" }),
      serialize.execute({}),
    ];
  }

  async function prepare(text: string): Promise<Prepared> {
    const { serialize } = protocol;
    named += 1;
    const name = `s${named}`;
    const closing: Uint8Array[] = [];
    for (const [oldest, prepared] of statements) {
      if (statements.size < MAX_STATEMENTS) break;
      statements.delete(oldest);
      closing.push(serialize.close({ type: "S", name: prepared.name }));
    }
    const answer = await send(
      [
        ...closing,
        serialize.parse({ name, text }),
        serialize.describe({ type: "S", name }),
        serialize.sync(),
      ],
      false,
    );
    return { name, types: parse.parseDescribeStatementResults(answer) };
  }

  const send = (parts: readonly Uint8Array[], syncToFs: boolean): Promise<messages.BackendMessage[]> =>
    pglite.execProtocolStream(Buffer.concat(parts), { syncToFs });

  return {
    query: <Row>(text: string, params?: unknown[], options?: QueryOptions) =>
      // Whoever is inside a transaction has the session for itself until its end.
      pglite._runExclusiveTransaction(() => query<Row>(text, params, options, true)),
    queryTogether(wanted) {
      if (wanted.length > MAX_TOGETHER)
        throw new Error(`${wanted.length} statements, at most ${MAX_TOGETHER}`);
      return pglite._runExclusiveTransaction(() => run(wanted, {}, true));
    },
    exec: (text, options) => pglite.exec(text, options),
    transaction: (work) =>
      pglite.transaction((transaction) => {
        const prepared: Transaction["query"] = async (text, params, options) => {
          if (transaction.closed) throw new Error("the transaction is over");
          return query(text, params, options);
        };
        return work(Object.create(transaction, { query: { value: prepared } }));
      }),
    onNotification: (listener) => pglite.onNotification(listener),
  };
}

/** The messages of each statement, to be read apart: counts of several would be added up. */
function answersIn(messages: readonly messages.BackendMessage[]): messages.BackendMessage[][] {
  const answers: messages.BackendMessage[][] = [];
  let answer: messages.BackendMessage[] = [];
  for (const message of messages) {
    answer.push(message);
    if (message.name !== "commandComplete" && message.name !== "emptyQuery") continue;
    answers.push(answer);
    answer = [];
  }
  return answers;
}
