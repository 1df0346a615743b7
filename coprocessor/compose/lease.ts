import type { Address } from "viem";
import type { Config } from "../config.ts";
import type { CoprocessorError } from "../core/errors.ts";
import type { OracleScope } from "../core/messages.ts";
import type { Log } from "../observe/port.ts";
import { takeRedisLease } from "../queue/redisLease.ts";
import { takePostgresLease } from "../store/postgresLease.ts";
import { type StandbyOptions, type StoreLease, takeStoreLease } from "../store/storeLease.ts";
import type { Closers } from "./closers.ts";
import { isGone, thisProcess } from "./thisProcess.ts";

type Servers = Pick<Config, "databaseUrl" | "queueUrl">;

/** What a node holds so that no other one acts for its operator. */
export interface Leases {
  /** Rejects if another node has taken our place. */
  lost: Promise<never>;
  /** Of the shared store; null where the database is embedded, which has a lock of its own. */
  store: StoreLease | null;
}

/**
 * Makes sure that no other node runs with the same attester key on the servers that this one uses.
 *
 * The store's lease comes first and decides: whoever has it takes the queue's too. Nobody can tell of a node that shares
 * nothing with this one.
 *
 * @param of.standby Waits for the store's lease while another node is active.
 * @param of.store The store's lease where this process has it already, for several oracles.
 * @throws CoprocessorError `node/already-running`, `node/stopped`
 */
export async function takeLeases(
  config: Servers,
  of: {
    scope: OracleScope;
    attester: Address;
    log: Log;
    standby?: StandbyOptions | undefined;
    store?: StoreLease | null;
  },
  closers: Closers,
): Promise<Leases> {
  const { scope, attester, log, standby } = of;
  let lose: (error: CoprocessorError) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => undefined);
  const name = `node-${scope.chainId}-${scope.oracle}-${attester}`.toLowerCase();
  const onLost = (error: CoprocessorError) => lose(error);
  const store =
    of.store === undefined ? await leaseStore(config, { name, log, standby, onLost }, closers) : of.store;
  const { databaseUrl, queueUrl } = config;
  if (queueUrl !== null && queueUrl !== databaseUrl) {
    const shared = { name, me: thisProcess(), log, onLost, isGone };
    const lease = queueUrl.startsWith("redis")
      ? await takeRedisLease({ ...shared, url: queueUrl, hold: store })
      : await takePostgresLease({ ...shared, url: queueUrl, evicts: store?.previous ?? null });
    closers.add("queue's lease", () => lease.release());
  }
  return { lost, store };
}

/**
 * Takes the lease of the store's server, for all that this process writes there; null where the database is embedded.
 *
 * @param of.name Whose node it is.
 * @param of.onLost Called once another node has taken over.
 * @throws CoprocessorError `node/already-running`, `node/stopped`
 */
export async function leaseStore(
  { databaseUrl }: Servers,
  of: { name: string; log: Log; standby?: StandbyOptions | undefined; onLost(error: CoprocessorError): void },
  closers: Closers,
): Promise<StoreLease | null> {
  if (databaseUrl === null) return null;
  const lease = await takeStoreLease({ ...of, me: thisProcess(), isGone, url: databaseUrl });
  closers.add("lease", () => lease.release());
  return lease;
}
