import { z } from "zod";
import { type Config, nodeVariables, readConfig } from "../config.ts";
import { CoprocessorError } from "../core/errors.ts";
import { ATTESTER_VARIABLES } from "./attesterConfig.ts";
import { courtEnvironment } from "./courtConfig.ts";
import { invalid, list, withoutEmpty } from "./values.ts";
import { watchEnvironment } from "./watchConfig.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** One of the oracles that a node serves. */
export interface OracleConfig {
  /** What the operator calls it; null when the node serves one alone, and it needs no name. */
  name: string | null;
  config: Config;
  /** What `config` was read from. */
  variables: Variables;
}

/** Names of the oracles; each in capitals, and an underscore, begins the names of its own variables. */
const oraclesEnvironment = z.object({
  ORACLES: list.prefault(""),
});

const NAME_PATTERN = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const MAX_ORACLES = 16;

/** What may differ between the oracles of one node; everything else is of the process, or of its workers. */
const OF_ONE_ORACLE: ReadonlySet<string> = new Set([
  "RPC_URL",
  "RPC_QUORUM",
  "RPC_HEADS_URL",
  "ORACLE_ADDRESS",
  "START_BLOCK",
  "CONFIRMATIONS",
  ...ATTESTER_VARIABLES,
  "P2P_TRANSPORT",
  "P2P_LISTEN",
  "P2P_ANNOUNCE",
  "P2P_BOOTSTRAP",
  ...Object.keys(watchEnvironment.shape),
  ...Object.keys(courtEnvironment),
  "COMMIT_GRACE_MS",
  "REVEAL_GRACE_MS",
  "VIEW_TIMEOUT_MS",
  "SETTLE_DELAY_MS",
  "STANDBY_DELAY_MS",
  "REPLACE_AFTER_MS",
  "REPEAT_MS",
  "MIN_FEES",
  "TOKEN_WEI",
  "ADMISSION_MARGIN_MS",
  "MIN_PROFIT_WEI",
  "BATCH_WINDOW_MS",
  "LOW_BALANCE_SETTLEMENTS",
  "RETENTION_DAYS",
]);

/**
 * Reads what a node serves: one oracle, or those that `ORACLES` names.
 *
 * With `ORACLES=base,op-main`, `BASE_RPC_URL` is base's `RPC_URL`, and `OP_MAIN_CONFIRMATIONS` the other's `CONFIRMATIONS`.
 * A variable without a name in front counts for every oracle that has none of its own.
 *
 * @throws CoprocessorError `config/invalid` that names every variable at fault and never shows a key.
 */
export function readOracles(variables: Variables): OracleConfig[] {
  const names = namesIn(variables);
  if (names.length === 0) return [{ name: null, config: readConfig(variables), variables }];
  const faults = faultsOfNames(names, variables);
  const oracles: OracleConfig[] = [];
  for (const name of faults.length > 0 ? [] : names) {
    const own = variablesOf(variables, name);
    try {
      oracles.push({ name, config: readConfig(own), variables: own });
    } catch (error) {
      faults.push(...faultsIn(error).map((fault) => `${name}: ${fault}`));
    }
  }
  if (faults.length === 0) faults.push(...faultsTogether(oracles));
  if (faults.length > 0) throw invalid(faults);
  return oracles;
}

/** The names of the oracles, in order; none where one is served alone. */
const namesIn = (variables: Variables): string[] => oraclesEnvironment.parse(variables).ORACLES;

/**
 * The oracle that a command is about.
 *
 * @param name What the operator says; undefined where one is served alone.
 * @throws CoprocessorError `config/invalid`
 */
export function oneOf(oracles: readonly OracleConfig[], name: string | undefined): OracleConfig {
  const found = oracles.find((oracle) => oracle.name === (name ?? null));
  if (found !== undefined) return found;
  const names = oracles.flatMap((oracle) => oracle.name ?? []);
  if (names.length === 0) throw invalid([`--oracle ${name}: ORACLES is not set`]);
  throw invalid([`--oracle must be one of ${names.join(", ")}`]);
}

/** The variables as they count for one of the oracles. */
export function variablesOf(variables: Variables, name: string): Variables {
  const prefix = prefixOf(name);
  const given = withoutEmpty({ ...variables });
  const own = [...OF_ONE_ORACLE].flatMap((variable) => {
    const value = given[prefix + variable];
    return value === undefined ? [] : [[variable, value] as const];
  });
  const common = Object.entries(variables);
  // One place for the key: an oracle's own does not meet the one that counts for the others.
  const hasOwnKey = own.some(([variable]) => ATTESTER_VARIABLES.includes(variable));
  const kept = hasOwnKey ? common.filter(([variable]) => !ATTESTER_VARIABLES.includes(variable)) : common;
  return Object.fromEntries([...kept, ...own]);
}

const prefixOf = (name: string): string => `${name.toUpperCase().replaceAll("-", "_")}_`;

function faultsOfNames(names: readonly string[], variables: Variables): string[] {
  const faults = names
    .filter((name) => !NAME_PATTERN.test(name))
    .map((name) => `ORACLES must be lower-case letters, digits and dashes, not ${name}`);
  if (new Set(names).size < names.length) faults.push(`ORACLES has a name twice`);
  if (names.length > MAX_ORACLES)
    faults.push(`ORACLES has ${names.length} names, and may have ${MAX_ORACLES}`);
  const ofTheNode = nodeVariables().filter((variable) => !OF_ONE_ORACLE.has(variable));
  for (const name of names) {
    for (const variable of ofTheNode) {
      if ((variables[prefixOf(name) + variable] ?? "") === "") continue;
      faults.push(`${prefixOf(name)}${variable} cannot be: ${variable} is the whole node's`);
    }
  }
  return faults;
}

/** What no oracle's configuration shows alone. */
function faultsTogether(oracles: readonly OracleConfig[]): string[] {
  const faults: string[] = [];
  const listeners = new Map<string, string>();
  for (const { name, config } of oracles) {
    const { host, port } = config.p2p;
    const place = `${host}:${port}`;
    const other = listeners.get(place);
    if (port !== 0 && other !== undefined)
      faults.push(
        `P2P_LISTEN of ${other} and ${name} is ${place}: each oracle's peers need a port of their own`,
      );
    listeners.set(place, name as string);
  }
  const [first] = oracles;
  if (first?.config.standby === true)
    faults.push("STANDBY is 1, and a node that serves several oracles has no standby: one for each instead");
  if (first !== undefined && first.config.queueUrl !== null && first.config.queueNamespace === null)
    faults.push("QUEUE_NAMESPACE is not set: the queue of several oracles has no name by itself");
  return faults;
}

function faultsIn(error: unknown): string[] {
  if (!(error instanceof CoprocessorError) || error.code !== "config/invalid") throw error;
  return (error.meta as { faults: string[] }).faults;
}
