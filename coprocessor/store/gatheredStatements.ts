import type { Results } from "@electric-sql/pglite";
import { MAX_TOGETHER, type PreparedSession, type Statement } from "./preparedSession.ts";

type Rows = Results<Record<string, unknown>>;

interface Waiting extends Statement {
  resolve(rows: Rows): void;
  reject(error: unknown): void;
}

/**
 * Runs statements that come while others run together, in the order of their coming, with one commit.
 *
 * A commit costs more than most of what the queue asks. The first statement waits for nobody; under load each group is as
 * large as what came during the one before it. Statements that belong to each other need a transaction: these do not, and
 * if one of a group fails, each of the group is run again alone.
 */
export class GatheredStatements {
  readonly #session: Pick<PreparedSession, "query" | "queryTogether">;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(session: Pick<PreparedSession, "query" | "queryTogether">) {
    this.#session = session;
  }

  query(text: string, params: readonly unknown[]): Promise<Rows> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, params, resolve, reject });
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) await this.#run(this.#waiting.splice(0, MAX_TOGETHER));
    this.#isRunning = false;
  }

  async #run(group: readonly Waiting[]): Promise<void> {
    if (group.length > 1) {
      try {
        const answers = await this.#session.queryTogether(group);
        for (const [index, { resolve }] of group.entries()) resolve(answers[index] as Rows);
        return;
      } catch {
        // Nothing of it counts; whose fault it was, each learns alone.
      }
    }
    for (const { text, params, resolve, reject } of group) {
      try {
        resolve(await this.#session.query(text, [...params]));
      } catch (error) {
        reject(error);
      }
    }
  }
}
