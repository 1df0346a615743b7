import type { Hex } from "viem";
import { planReload } from "../config/reload.ts";
import { type Config, nodeVariables, readConfig } from "../config.ts";
import type { Log, LogLevel } from "../observe/port.ts";

type Variables = Record<string, string | undefined>;

export interface ReloadParts {
  live: { current: Config };
  log: Log;
  setLogLevel(level: LogLevel): void;
  warm(modelIds: readonly Hex[]): void;
  /** Dials the bootstrap peers that the configuration names now. */
  redial(): void;
}

/**
 * Takes over what may change while a node runs, and says what changed and what takes a restart. A faulty configuration
 * changes nothing.
 *
 * @param before The variables that count now.
 * @returns The variables that count from now on.
 */
export function reloadConfig(parts: ReloadParts, before: Variables, after: Variables): Variables {
  const { live, log } = parts;
  let next: Config;
  try {
    next = readConfig(after);
  } catch (error) {
    log.error({ err: error }, "the configuration was not taken over; the old one stays");
    return before;
  }
  const { applies, needsRestart } = planReload(before, after, nodeVariables());
  const known = new Set(live.current.warmModels);
  live.current = {
    ...live.current,
    operations: next.operations,
    logLevel: next.logLevel,
    warmModels: next.warmModels,
    p2p: { ...live.current.p2p, bootstrap: next.p2p.bootstrap },
  };
  if (applies.includes("LOG_LEVEL")) parts.setLogLevel(next.logLevel);
  parts.warm(next.warmModels.filter((modelId) => !known.has(modelId)));
  if (applies.includes("P2P_BOOTSTRAP")) parts.redial();
  log.info({ applied: applies, needsRestart }, "configuration read again");
  // What takes a restart is told again at the next reload: it has not happened.
  return { ...after, ...Object.fromEntries(needsRestart.map((name) => [name, before[name]])) };
}
