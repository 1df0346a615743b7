import pg from "pg";
import { z } from "zod";
import { CoprocessorError } from "../core/errors.ts";
import type { ProcessIdentity } from "../core/processIdentity.ts";
import type { Log } from "../observe/port.ts";
import { MIGRATION_LOCK } from "./migrate.ts";
import { LEASE_TABLE } from "./migrations/0010_nodeLease.ts";
import { storeError } from "./storeError.ts";

export interface StoreLeaseOptions {
  url: string;
  /** Whose node it is; the same for the nodes of one operator. */
  name: string;
  me: ProcessIdentity;
  /** Whether a holder on this host is gone; then its lease is taken over at once. */
  isGone(holder: ProcessIdentity): boolean;
  log: Log;
  /** Called once when another node has taken over: whoever calls it must stop. */
  onLost(error: CoprocessorError): void;
  /** Waits for as long as another node is active; without it a node that is active is an error. */
  standby?: StandbyOptions | undefined;
  /** Milliseconds that the lease outlives its last renewal; 5,000 when not given. */
  leaseMs?: number;
}

export interface StandbyOptions {
  /** Told at each look who is active. */
  onWaiting(holder: string): void;
  /** Gives up waiting. */
  signal: AbortSignal;
}

/** The right to write to a database. */
export interface StoreLease {
  /** Greater than that of every node before; the database refuses the writes of all others. */
  readonly token: bigint;
  /** Of the database; another one after it was lost. */
  readonly storeId: string;
  /** Who had it before; null for the first, and for one that nobody can read. */
  readonly previous: ProcessIdentity | null;
  /**
   * Asks our own clock whether the lease was confirmed within its time, for what the database cannot fence.
   *
   * @throws CoprocessorError `node/lease-unconfirmed`
   */
  assertHeld(): void;
  /** Lets a standby take over at once. */
  release(): Promise<void>;
}

const LEASE_MS = 5_000;
/** Renewals in the time of a lease. */
const RENEWALS = 5;
const POLL_MS = 250;
const CONNECT_TIMEOUT_MS = 10_000;

const holderSchema = z.object({ host: z.string(), pid: z.int(), startTicks: z.string().nullable() });

interface Row {
  token: string;
  name: string;
  holder: unknown;
  expired: boolean;
}

const LOOK = `
select token, name, holder, expires_at < clock_timestamp() as expired from sibyl.node_lease where id = 1`;
/** Ours if nobody else came first; writers under the old token are waited for, and find themselves fenced off after it. */
const TAKE = `
insert into sibyl.node_lease (id, token, name, holder, expires_at)
values (1, 1, $1, $2, clock_timestamp() + $3 * interval '1 millisecond')
on conflict (id) do update set token = node_lease.token + 1, name = excluded.name, holder = excluded.holder,
  expires_at = excluded.expires_at
where node_lease.token = $4 and (node_lease.expires_at < clock_timestamp() or $5)
returning token, store_id as "storeId"`;
/** Only what is no key, so that it waits for no writer. */
const RENEW = `
update sibyl.node_lease set expires_at = clock_timestamp() + $2 * interval '1 millisecond' where id = 1 and token = $1`;
const RELEASE = "update sibyl.node_lease set expires_at = '-infinity' where id = 1 and token = $1";

/**
 * Takes the lease of a database on a PostgreSQL server, and renews it until it is released or lost.
 *
 * Time is the server's, so nodes' clocks do not matter. A holder that is cut off, or paused, is not asked: its lease runs out,
 * and the token keeps it from writing ever after.
 *
 * @throws CoprocessorError `node/already-running` with the holder, `node/stopped` when waiting was given up; what
 * `createDrizzleStore` throws when it cannot connect.
 */
export async function takeStoreLease(options: StoreLeaseOptions): Promise<StoreLease> {
  const { me, name, log, onLost, leaseMs = LEASE_MS } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: 1,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: `sibyl lease pid ${me.pid} on ${me.host}`,
  });
  pool.on("error", (error) => log.debug({ error: error.message }, "the lease's connection was lost"));
  let confirmedAt = Number.NEGATIVE_INFINITY;

  type Taken = Pick<StoreLease, "token" | "storeId" | "previous">;

  /** A standby outlives the server's restarts: it has nothing to lose. */
  async function takeInTime(standby: StandbyOptions | undefined): Promise<Taken> {
    for (;;) {
      try {
        await prepare(pool);
        return await take();
      } catch (error) {
        const named = storeError(error, "lease");
        if (standby === undefined || named.retry === "never") throw named;
        if (standby.signal.aborted) throw stopped(name);
        log.warn(
          { code: named.code, reason: named.message },
          "the store's lease cannot be looked at; trying again",
        );
        await pause();
      }
    }
  }

  async function take(): Promise<Taken> {
    const giveUpAt = performance.now() + leaseMs + POLL_MS;
    for (;;) {
      const [row] = (await pool.query<Row>(LOOK)).rows;
      const holder = holderIn(row?.holder);
      // A standby goes by the time alone, on one machine as on two.
      const gone = options.standby === undefined && holder !== null && options.isGone(holder);
      if (row === undefined || row.expired || gone) {
        const askedAt = performance.now();
        const values = [name, JSON.stringify(me), leaseMs, row?.token ?? "0", gone];
        const [taken] = (await pool.query<{ token: string; storeId: string }>(TAKE, values)).rows;
        if (taken === undefined) continue;
        confirmedAt = askedAt;
        return { token: BigInt(taken.token), storeId: taken.storeId, previous: holder };
      }
      if (options.standby === undefined || row.name !== name) {
        const isHere = holder?.host === me.host;
        if (isHere || row.name !== name || performance.now() > giveUpAt)
          throw alreadyRunning(options, row.name, textOf(holder));
      } else {
        options.standby.onWaiting(textOf(holder));
        if (options.standby.signal.aborted) throw stopped(name);
      }
      await pause();
    }
  }

  try {
    const { token, storeId, previous } = await takeInTime(options.standby);
    let released = false;
    let renewing: Promise<void> | null = null;

    async function renew(): Promise<void> {
      const askedAt = performance.now();
      try {
        const { rowCount } = await pool.query(RENEW, [token.toString(), leaseMs]);
        if (released) return;
        if (rowCount === 1) {
          confirmedAt = askedAt;
          return;
        }
        clearInterval(timer);
        confirmedAt = Number.NEGATIVE_INFINITY;
        const [row] = (await pool.query<Row>(LOOK)).rows;
        onLost(alreadyRunning(options, row?.name ?? name, textOf(holderIn(row?.holder))));
      } catch (error) {
        // Nothing can be stored either, so nothing is signed.
        log.debug({ lease: name, error: String(error) }, "the node's lease could not be renewed yet");
      }
    }
    const timer = setInterval(() => {
      renewing ??= renew().finally(() => {
        renewing = null;
      });
    }, leaseMs / RENEWALS);
    timer.unref();

    return {
      token,
      storeId,
      previous,
      assertHeld() {
        const ageMs = performance.now() - confirmedAt;
        if (ageMs < leaseMs) return;
        throw new CoprocessorError(
          `this node's lease was last confirmed ${Math.round(ageMs)} ms ago, and lasts ${leaseMs} ms`,
          { code: "node/lease-unconfirmed", retry: "backoff", meta: { lease: name, ageMs, leaseMs } },
        );
      },
      async release() {
        released = true;
        clearInterval(timer);
        await renewing;
        await pool.query(RELEASE, [token.toString()]).catch(() => undefined);
        await pool.end().catch(() => undefined);
      },
    };
  } catch (error) {
    await pool.end().catch(() => undefined);
    throw storeError(error, "lease");
  }
}

async function prepare(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await client.query(LEASE_TABLE);
    await client.query("commit");
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** Null for something that no release of ours wrote. */
function holderIn(value: unknown): ProcessIdentity | null {
  const parsed = holderSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

const textOf = (holder: ProcessIdentity | null): string =>
  holder === null ? "an unknown process" : `process ${holder.pid} on ${holder.host}`;

function alreadyRunning({ name }: StoreLeaseOptions, theirs: string, holder: string): CoprocessorError {
  const text =
    theirs === name
      ? `a node with this attester key runs already: ${holder}; two of them could sign two answers`
      : `this database is in use by another node, ${theirs}: ${holder}; each needs its own`;
  return new CoprocessorError(text, {
    code: "node/already-running",
    retry: "never",
    meta: { lease: name, holder, holds: theirs },
  });
}

const stopped = (name: string): CoprocessorError =>
  new CoprocessorError("asked to end while standing by", {
    code: "node/stopped",
    retry: "never",
    meta: { lease: name },
  });
