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
  /** A process that must not hold it any more, because it lost its store: its session is ended. */
  evicts?: ProcessIdentity | null;
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
      if (await takesLock(session, options.name)) return session;
      if (options.evicts && (await takesFrom(options.evicts, session, options))) return session;
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
    application_name: nameOf(me),
  });
  session.on("error", () => {});
  try {
    await session.connect();
    return session;
  } catch (error) {
    throw storeError(error, "lease");
  }
}

async function takesLock(session: pg.Client, name: string): Promise<boolean> {
  const { rows } = await session.query<{ taken: boolean }>(
    "select pg_try_advisory_lock(hashtextextended($1, 0)) as taken",
    [name],
  );
  return rows[0]?.taken === true;
}

/** Postgres shows it beside the lock. */
const nameOf = ({ pid, host }: ProcessIdentity): string => `sibyl pid ${pid} on ${host}`.slice(0, 63);

const HOLDERS = `
  from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended($1, 0)`;

/** Milliseconds that a server has to end a session. */
const EVICTION_MS = 1_000;
/** SQLSTATE of a lock that did not come in time. */
const LOCK_NOT_AVAILABLE = "55P03";

/** Ends a holder's session. It would come back at once, so we wait for the lock before, and are the first in line. */
async function takesFrom(
  holder: ProcessIdentity,
  session: pg.Client,
  options: PostgresLeaseOptions,
): Promise<boolean> {
  const { name } = options;
  const { rows } = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
  const admin = await connect(options);
  try {
    await session.query(`set lock_timeout = ${EVICTION_MS}`);
    const taking = session.query("select pg_advisory_lock(hashtextextended($1, 0))", [name]).then(
      () => true,
      (error: { code?: string }) => {
        if (error.code === LOCK_NOT_AVAILABLE) return false;
        throw error;
      },
    );
    taking.catch(() => {}); // told below
    const isWaiting = "select 1 from pg_locks where pid = $1 and not granted";
    const giveUpAt = Date.now() + EVICTION_MS;
    while ((await admin.query(isWaiting, [rows[0]?.pid])).rowCount === 0 && Date.now() < giveUpAt);
    await admin.query(`select pg_terminate_backend(a.pid) ${HOLDERS} and a.application_name = $2`, [
      name,
      nameOf(holder),
    ]);
    const taken = await taking;
    await session.query("reset lock_timeout");
    return taken;
  } finally {
    await admin.end().catch(() => undefined);
  }
}

async function holderOf(session: pg.Client, name: string): Promise<string> {
  const { rows } = await session.query<{ holder: string; since: Date }>(
    `select a.application_name as holder, a.backend_start as since ${HOLDERS}`,
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
