import pg from "pg";
import { CoprocessorError } from "../core/errors.ts";
import type { ProcessIdentity } from "../core/processIdentity.ts";
import type { Log } from "../observe/port.ts";
import { storeError } from "./storeError.ts";

export interface PostgresLeaseOptions {
  url: string;
  /** What is leased; the same for everybody who must not run at once. */
  name: string;
  me: ProcessIdentity;
  log: Log;
  /** Called once when another process holds the lease: whoever calls it must stop. */
  onLost(error: CoprocessorError): void;
}

/** Held by one process at a time. */
export interface Lease {
  release(): Promise<void>;
}

/** A server needs a moment to see that a killed holder is gone. */
const PATIENCE_MS = 5_000;
const RETRY_MS = 250;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Takes a lease that a database server keeps as long as our session lives, by an advisory lock.
 *
 * A session that breaks is opened again. While it is gone nothing can be stored either, so nothing is signed; should another
 * process have taken the lease meanwhile, `onLost` says so.
 *
 * @throws CoprocessorError `node/already-running`, with the holder; what `createDrizzleStore` throws when it cannot connect.
 */
export async function takePostgresLease(options: PostgresLeaseOptions): Promise<Lease> {
  const { log, onLost } = options;
  let released = false;
  let session = await takeWithPatience(options);
  watch(session);

  function watch(current: pg.Client): void {
    let gone = false;
    const reopen = () => {
      if (gone || released) return;
      gone = true;
      log.warn({ lease: options.name }, "the session that holds the node's lease was lost; taking it again");
      void retake();
    };
    current.on("error", reopen);
    current.on("end", reopen);
  }

  async function retake(): Promise<void> {
    while (!released) {
      try {
        session = await takeWithPatience(options);
        if (released) return void (await session.end());
        watch(session);
        return;
      } catch (error) {
        if (error instanceof CoprocessorError && error.code === "node/already-running") return onLost(error);
        log.debug(
          { lease: options.name, error: String(error) },
          "the node's lease cannot be taken again yet",
        );
        await pause();
      }
    }
  }

  return {
    async release() {
      released = true;
      await session.end().catch(() => undefined);
    },
  };
}

async function takeWithPatience(options: PostgresLeaseOptions): Promise<pg.Client> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (;;) {
    const session = await connect(options);
    try {
      const { rows } = await session.query<{ taken: boolean }>(
        "select pg_try_advisory_lock(hashtextextended($1, 0)) as taken",
        [options.name],
      );
      if (rows[0]?.taken === true) return session;
      if (Date.now() > giveUpAt) throw alreadyRunning(options, await holderOf(session, options.name));
    } catch (error) {
      await session.end().catch(() => undefined);
      throw storeError(error, "lease");
    }
    await session.end();
    await pause();
  }
}

async function connect({ url, me }: PostgresLeaseOptions): Promise<pg.Client> {
  const session = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // Postgres shows it beside the lock, cut to 63 bytes.
    application_name: `sibyl pid ${me.pid} on ${me.host}`,
  });
  session.on("error", () => {});
  try {
    await session.connect();
    return session;
  } catch (error) {
    throw storeError(error, "lease");
  }
}

async function holderOf(session: pg.Client, name: string): Promise<string> {
  const { rows } = await session.query<{ holder: string; since: Date }>(
    `select a.application_name as holder, a.backend_start as since
     from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1
       and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended($1, 0)`,
    [name],
  );
  const [row] = rows;
  return row === undefined ? "an unknown session" : `${row.holder}, since ${row.since.toISOString()}`;
}

const alreadyRunning = ({ name }: PostgresLeaseOptions, holder: string): CoprocessorError =>
  new CoprocessorError(
    `a node with this attester key runs already: ${holder}; two of them could sign two answers`,
    { code: "node/already-running", retry: "never", meta: { lease: name, holder } },
  );

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, RETRY_MS));
