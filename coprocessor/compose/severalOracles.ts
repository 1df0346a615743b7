import { type OracleConfig, variablesOf } from "../config/oraclesConfig.ts";
import { CoprocessorError } from "../core/errors.ts";
import type { OracleScope } from "../core/messages.ts";
import { listenHttp } from "../observe/httpServer.ts";
import { type OracleStanding, oraclesRoutes } from "../observe/oraclesStatus.ts";
import type { Log } from "../observe/port.ts";
import { createRegistry, expositionOf } from "../observe/promExposition.ts";
import { Closers } from "./closers.ts";
import type { Coprocessor } from "./coprocessor.ts";
import type { Role } from "./nodeStatus.ts";
import { type SharedParts, sharedParts } from "./sharedParts.ts";
import { VERSION } from "./version.ts";

/** Milliseconds until an oracle whose chain could not be reached is started again. */
const RETRY_MS = 15_000;

/** Puts one oracle's node together. */
export type StartOracle = (
  oracle: OracleConfig,
  shared: SharedParts,
  closers: Closers,
) => Promise<Coprocessor>;

/** An oracle of this node; `node` is null while it does not run. */
interface Served {
  oracle: OracleConfig & { name: string };
  node: Coprocessor | null;
  closers: Closers;
}

/**
 * Serves several oracles in one process. One chain in trouble is that chain's trouble: an oracle that cannot be reached is
 * started when it can be, and one that fails for good, at the start or later, ends alone. Resolves once one of them runs.
 *
 * @throws CoprocessorError when none can be started, or when the configuration is at fault.
 */
export async function startOracles(
  oracles: readonly OracleConfig[],
  { role, log, retryMs = RETRY_MS }: { role: Role; log: Log; retryMs?: number },
  start: StartOracle,
): Promise<Coprocessor> {
  const first = (oracles[0] as OracleConfig).config;
  const closers = new Closers();
  const standings = new Map<string, OracleStanding>();
  const served = oracles.map((oracle): Served => {
    const named = { ...oracle, name: oracle.name as string };
    standings.set(named.name, { state: "starting", reason: "it is being started" });
    return { oracle: named, node: null, closers: new Closers() };
  });
  const names = new Map<string, string>();
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const retries = new Set<NodeJS.Timeout>();
  let [begun, stopping] = [false, false];
  const running = () => served.flatMap(({ node }) => node ?? []);

  const registry = createRegistry({ version: VERSION, role });
  const exposition = expositionOf(registry, async () => {});
  const status = await listenHttp(oraclesRoutes(standings, exposition), first.status);
  closers.add("status", () => status.close());
  log.info({ statusUrl: status.url, oracles: [...standings.keys()] }, "node started; its oracles follow");
  const several = {
    names: [...standings.keys()],
    registry,
    onLost: (error: CoprocessorError) => fail(error),
    showStatus: () => {
      throw new Error("each oracle shows its own status");
    },
  };
  const shared = sharedParts(first, { role, several, log }, closers);

  /** Two names for one oracle would sign for it twice. */
  function claim({ chainId, oracle }: OracleScope, name: string): void {
    const scope = `${chainId}/${oracle}`.toLowerCase();
    const other = names.get(scope) ?? name;
    names.set(scope, other);
    if (other === name) return;
    throw new CoprocessorError(`${other} and ${name} are one oracle: ${oracle} on chain ${chainId}`, {
      code: "config/invalid",
      retry: "never",
      meta: { faults: [`${other} and ${name} are one oracle`] },
    });
  }

  const partsOf = (name: string): SharedParts => ({
    ...shared,
    async store(of) {
      claim(of, name);
      return shared.store(of);
    },
    async showStatus(source) {
      standings.set(name, { state: "running", source });
      return { url: `${status.url}/${name}`, close: async () => {} };
    },
  });

  async function attempt(one: Served): Promise<void> {
    const { name } = one.oracle;
    try {
      const node = await start(one.oracle, partsOf(name), one.closers);
      if (stopping) return await one.closers.close(log);
      one.node = node;
      node.failed.catch((error: unknown) => end(one, error));
    } catch (error) {
      await one.closers.close(log);
      standings.set(name, { state: "starting", reason: reasonOf(error) });
      throw error;
    }
  }

  /** What happened to an oracle that ran cannot be undone here; the others go on. */
  async function end(one: Served, error: unknown): Promise<void> {
    if (stopping) return;
    const { name } = one.oracle;
    one.node = null;
    standings.set(name, { state: "failed", reason: reasonOf(error) });
    log.error({ oracle: name, err: error }, "an oracle cannot be served any more; the others go on");
    await one.closers.close(log);
    if ([...standings.values()].every(({ state }) => state === "failed")) fail(error);
  }

  function tryLater(one: Served, error: unknown): void {
    if (stopping) return;
    const { name } = one.oracle;
    log.warn(
      { oracle: name, retryMs, reason: reasonOf(error) },
      "an oracle cannot be served yet; trying again",
    );
    const timer = setTimeout(async () => {
      retries.delete(timer);
      try {
        if (!stopping) await attempt(one);
      } catch (again) {
        if (stopping) return;
        if (mayHelp(again)) tryLater(one, again);
        else await end(one, again);
      }
    }, retryMs);
    retries.add(timer);
  }

  async function stop(): Promise<void> {
    stopping = true;
    for (const timer of retries) clearTimeout(timer);
    await Promise.all(served.map((one) => one.closers.close(log)));
    await closers.close(log);
  }

  /** Null once it runs; else why it does not, and then it is tried again, or has ended. */
  async function begin(one: Served): Promise<unknown> {
    try {
      await attempt(one);
      return null;
    } catch (error) {
      if (isConfigFault(error) && !begun && running().length === 0) throw error;
      if (mayHelp(error)) tryLater(one, error);
      else await end(one, error);
      return error;
    }
  }

  try {
    await oneOf(served.map(begin));
    begun = true;
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    operatorId: running()[0]?.operatorId ?? 0,
    statusUrl: status.url,
    addresses: running().flatMap(({ addresses }) => addresses),
    failed,
    get drainTimeoutMs() {
      return Math.max(0, ...running().map(({ drainTimeoutMs }) => drainTimeoutMs));
    },
    async drain() {
      return (await Promise.all(running().map((node) => node.drain()))).every((drained) => drained);
    },
    reload(variables) {
      for (const { oracle, node } of served) node?.reload(variablesOf(variables, oracle.name));
    },
    stop,
  };
}

/**
 * Waits for the first of them that runs, and not for one whose chain is waited for.
 *
 * @throws why one does not run, once it is known that none does, or what a start throws.
 */
async function oneOf(starts: readonly Promise<unknown>[]): Promise<void> {
  const runs = starts.map(async (start) => {
    if ((await start) !== null) await new Promise<never>(() => {});
  });
  const all = Promise.all(starts).then((errors) => {
    if (!errors.includes(null)) throw errors.find((error) => !mayHelp(error)) ?? errors[0];
  });
  await Promise.race([...runs, all]);
}

const mayHelp = (error: unknown): boolean => error instanceof CoprocessorError && error.retry === "backoff";

const isConfigFault = (error: unknown): boolean =>
  error instanceof CoprocessorError && error.code === "config/invalid";

const reasonOf = (error: unknown): string =>
  error instanceof CoprocessorError ? `${error.code}: ${error.message}` : String(error);
