import { Closers } from "./compose/closers.ts";
import type { Coprocessor } from "./compose/coprocessor.ts";
import { asItIs, type WrapPort } from "./compose/lastingPorts.ts";
import { composeNode } from "./compose/node.ts";
import type { Role } from "./compose/nodeStatus.ts";
import { startOracles } from "./compose/severalOracles.ts";
import { sharedParts } from "./compose/sharedParts.ts";
import type { OracleConfig } from "./config/oraclesConfig.ts";
import type { Config } from "./config.ts";
import { hashInWasm } from "./keys/wasmKeccak.ts";
import { createPinoLog } from "./observe/pinoLog.ts";

/**
 * Composes and starts a node, with an embedded worker unless it has others. Nobody but this and `compose/` chooses adapters.
 *
 * @param options.role An operator's node when not given.
 * @param options.variables What `config` was read from, to compare with at a reload.
 * @param options.signal Gives up standing by, with `node/stopped`.
 * @param options.wrap Put around the ports that it names; the ports as they are when not given.
 * @throws CoprocessorError of whatever part cannot start; what was started before it is closed again.
 */
export async function startCoprocessor(
  config: Config,
  {
    role = "operator",
    variables = {},
    wrap = asItIs,
    signal = new AbortController().signal,
  }: {
    role?: Role;
    variables?: Record<string, string | undefined>;
    wrap?: WrapPort;
    signal?: AbortSignal;
  } = {},
): Promise<Coprocessor> {
  await hashInWasm();
  const closers = new Closers();
  const rootLog = createPinoLog(config.logLevel, { service: "sibyl" });
  const shared = sharedParts(config, { role, several: null, log: rootLog }, closers);
  const oracle = { name: null, config, variables };
  try {
    return await composeNode({ oracle, shared, role, wrap, signal, rootLog, closers });
  } catch (error) {
    await closers.close(rootLog);
    throw error;
  }
}

/**
 * As `startCoprocessor`, for all oracles that a configuration names: in one process, each with a chain, rows and peers of its
 * own, over one queue, one set of workers and models, and one status address.
 *
 * @param options.signal Gives up standing by, which a node that serves one oracle may do.
 * @throws CoprocessorError of whatever part cannot start, if no oracle can be served.
 */
export async function startNode(
  oracles: readonly OracleConfig[],
  { role = "operator", signal = new AbortController().signal }: { role?: Role; signal?: AbortSignal } = {},
): Promise<Coprocessor> {
  const [first] = oracles;
  if (first === undefined) throw new Error("a node serves at least one oracle");
  if (first.name === null)
    return startCoprocessor(first.config, { role, variables: first.variables, signal });
  await hashInWasm();
  const rootLog = createPinoLog(first.config.logLevel, { service: "sibyl" });
  return startOracles(oracles, { role, log: rootLog }, (oracle, shared, closers) =>
    composeNode({ oracle, shared, role, wrap: asItIs, signal, rootLog, closers }),
  );
}
