import { operationsEnvironment } from "./operationsConfig.ts";

/** Variables that a running node takes over. */
const RELOADABLE: ReadonlySet<string> = new Set([
  "LOG_LEVEL",
  "WARM_MODELS",
  "P2P_BOOTSTRAP",
  ...Object.keys(operationsEnvironment.shape),
]);

/** Names of variables whose values differ. */
export interface ReloadPlan {
  applies: string[];
  needsRestart: string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * What changes when a node reads its configuration again.
 *
 * @param names All variables that a node knows.
 */
export function planReload(before: Variables, after: Variables, names: readonly string[]): ReloadPlan {
  const changed = names.filter((name) => (before[name] ?? "") !== (after[name] ?? ""));
  return {
    applies: changed.filter((name) => RELOADABLE.has(name)),
    needsRestart: changed.filter((name) => !RELOADABLE.has(name)),
  };
}
