import { AggregatorRegistry, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Exposition } from "./port.ts";

export type MetricsRegistry = Registry;

/** What a process is, as labels of `sibyl_info`, whose value is 1. */
export interface ProcessInfo {
  version: string;
  role: "operator" | "watcher" | "worker";
  [label: string]: string;
}

/** A registry of one process's, or one node's, metrics, those of Node.js itself among them. */
export function createRegistry(info: ProcessInfo): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  new Gauge({
    name: "sibyl_info",
    help: "What this process is; always 1.",
    labelNames: Object.keys(info),
    registers: [registry],
  }).set(info, 1);
  return registry;
}

/** A registry of one oracle's metrics, which carry its name, where a process serves several. */
export function createOracleRegistry(oracle: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ oracle });
  return registry;
}

/** @param refresh Brings gauges up to date before each scrape; it must not throw. */
export const expositionOf = (registry: Registry, refresh: () => Promise<void>): Exposition => ({
  contentType: registry.contentType,
  async text() {
    await refresh();
    return registry.metrics();
  },
  async families() {
    await refresh();
    return registry.getMetricsAsJSON();
  },
});

/**
 * A process's metrics, and those of its oracles: each name once, with a series for each oracle.
 *
 * @param oracles Share no name with the process, and no label's value with each other.
 */
export const expositionOfAll = (process: Exposition, oracles: () => readonly Exposition[]): Exposition => {
  // The oracles' first: reading them brings what they have in common up to date, which is the process's.
  const together = async () => {
    const families = await Promise.all(oracles().map((oracle) => oracle.families()));
    return AggregatorRegistry.aggregate(families as object[][]);
  };
  return {
    contentType: process.contentType,
    async text() {
      const ofOracles = await (await together()).metrics();
      return `${await process.text()}\n${ofOracles}`;
    },
    async families() {
      const ofOracles = await (await together()).getMetricsAsJSON();
      return [...(await process.families()), ...ofOracles];
    },
  };
};
