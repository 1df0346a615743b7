import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
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

/** @param refresh Brings gauges up to date before each scrape; it must not throw. */
export const expositionOf = (registry: Registry, refresh: () => Promise<void>): Exposition => ({
  contentType: registry.contentType,
  async text() {
    await refresh();
    return registry.metrics();
  },
});
