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

/** Statements that stay prepared; a node uses some 150, a rare one makes room. */
const MAX_STATEMENTS = 256;

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
export function preparedSession(pglite: PGlite): EmbeddedSession {
  const statements = new Map<string, Prepared>();
  let named = 0;

  async function query<Row>(
    text: string,
    params: readonly unknown[] = [],
    options: QueryOptions = {},
    syncToFs = false,
  ): Promise<Results<Row>> {
    return pglite.runExclusive(async () => {
      const { name, types } = statements.get(text) ?? (await prepare(text));
      // Again at the end of the line.
      statements.delete(text);
      statements.set(text, { name, types });
      const values = params.map((value, index) => {
        if (value === null || value === undefined) return null;
        const serializer = pglite.serializers[types[index] as number];
        return serializer === undefined ? String(value) : serializer(value);
      });
      const { serialize } = protocol;
      const answer = await send(
        [
          serialize.bind({ statement: name, values }),
          serialize.describe({ type: "P" }),
          serialize.execute({}),
          serialize.sync(),
        ],
        syncToFs,
      );
      // On top of PGlite's, which would copy all of its hundreds for each answer.
      const { parsers: own, ...rest } = options;
      const parsers = Object.assign(Object.create(pglite.parsers), own);
      return parse.parseResults(answer, parsers, rest)[0] as Results<Row>;
    });
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
