import type { Address } from "viem";
import type { Config } from "../config.ts";
import type { CoprocessorError } from "../core/errors.ts";
import type { OracleScope } from "../core/messages.ts";
import type { Log } from "../observe/port.ts";
import { takeRedisLease } from "../queue/redisLease.ts";
import { takePostgresLease } from "../store/postgresLease.ts";
import type { Closers } from "./closers.ts";
import { isGone, thisProcess } from "./thisProcess.ts";

/**
 * Makes sure that no other node runs with the same attester key on the servers that this one uses.
 *
 * An embedded database has a lock of its own, and nobody can tell of a node that shares nothing with this one.
 *
 * @returns `lost` rejects if another node has taken our place.
 * @throws CoprocessorError `node/already-running`
 */
export async function takeLeases(
  config: Config,
  { scope, attester, log }: { scope: OracleScope; attester: Address; log: Log },
  closers: Closers,
): Promise<{ lost: Promise<never> }> {
  let lose: (error: CoprocessorError) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => undefined);
  const name = `node-${scope.chainId}-${scope.oracle}-${attester}`.toLowerCase();
  const shared = { name, me: thisProcess(), log, onLost: (error: CoprocessorError) => lose(error) };
  const { databaseUrl, queueUrl } = config;
  for (const url of new Set([databaseUrl, queueUrl])) {
    if (url === null) continue;
    const lease = /^rediss?:/.test(url)
      ? await takeRedisLease({ ...shared, url, isGone })
      : await takePostgresLease({ ...shared, url });
    closers.add("lease", () => lease.release());
  }
  return { lost };
}
