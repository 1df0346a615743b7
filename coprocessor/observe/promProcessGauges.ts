import { Gauge, type Registry } from "prom-client";
import type { QueueDepth } from "../queue/port.ts";

/** What the oracles of one process have in common, at one moment; null where the part that knows did not answer. */
export interface ProcessFigures {
  queues: readonly QueueDepth[] | null;
  workload: { jobs: number; backlogMs: number };
  storeBytes: number | null;
}

/** Gauges that there is one of for each process, however many oracles it serves: a sum over oracles would count twice. */
export function createProcessGauges(registry: Registry): (figures: ProcessFigures) => void {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const storeBytes = gauge("sibyl_store_size_bytes", "Size of the node's database on disk.");
  const jobs = gauge(
    "sibyl_queue_jobs",
    "Jobs by queue and state: waiting, active, delayed (before another try), failed (outcome not collected yet).",
    ["queue", "state"],
  );
  const headAge = gauge("sibyl_queue_head_age_seconds", "Age of the job that runs next; 0 when none waits.", [
    "queue",
  ]);
  const taken = gauge("sibyl_workload_jobs", "Jobs that were taken and have not ended.");
  const backlog = gauge("sibyl_workload_backlog_seconds", "Predicted time until the longest queue is empty.");
  return (figures) => {
    for (const labelled of [jobs, headAge]) labelled.reset();
    // Without labels a reset would say 0.
    storeBytes.remove();
    if (figures.storeBytes !== null) storeBytes.set(figures.storeBytes);
    for (const { queue, headAgeMs, ...states } of figures.queues ?? []) {
      for (const [state, count] of Object.entries(states)) jobs.set({ queue, state }, count);
      headAge.set({ queue }, (headAgeMs ?? 0) / 1_000);
    }
    taken.set(figures.workload.jobs);
    backlog.set(figures.workload.backlogMs / 1_000);
  };
}
