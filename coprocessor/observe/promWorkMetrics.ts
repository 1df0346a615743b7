import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { WorkMetrics } from "./port.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const BATCHES = [1, 2, 4, 8, 16, 32, 64];
/** Anybody can publish a model; what comes after so many counts as one. */
const MAX_MODELS = 100;
const OTHERS = { model: "others", model_id: "others" };

/**
 * What a worker counts. Durations are seconds; a batch is the jobs that ran in one session call.
 *
 * @param residentBytes Memory of the inference processes; null where the system does not tell.
 */
export function createWorkMetrics(registry: Registry, residentBytes: () => number | null): WorkMetrics {
  const registers = [registry];
  const labelNames = ["model", "model_id"];
  const jobs = new Counter({
    name: "sibyl_jobs_total",
    help: "Jobs that ended here: done, or failed (another try may follow).",
    labelNames: [...labelNames, "outcome"],
    registers,
  });
  const running = new Gauge({
    name: "sibyl_jobs_running",
    help: "Jobs that this worker holds now, those that wait for a process among them.",
    registers,
  });
  const runs = new Histogram({
    name: "sibyl_inference_duration_seconds",
    help: "Time in the session, of the whole batch that a job ran in.",
    labelNames,
    buckets: SECONDS,
    registers,
  });
  const loads = new Histogram({
    name: "sibyl_inference_load_duration_seconds",
    help: "Time to have a session ready, where it was not.",
    labelNames,
    buckets: SECONDS,
    registers,
  });
  const batches = new Histogram({
    name: "sibyl_inference_batch_size",
    help: "Jobs that ran together, observed once for each of them.",
    labelNames,
    buckets: BATCHES,
    registers,
  });
  new Gauge({
    name: "sibyl_inference_resident_bytes",
    help: "Resident memory of the inference processes, which is mostly their sessions.",
    registers,
    collect() {
      const bytes = residentBytes();
      if (bytes === null) this.remove();
      else this.set(bytes);
    },
  });
  const labels = new Map<string, { model: string; model_id: string }>();
  const labelsOf = (modelId: string, modelName: string | null) => {
    const known = labels.get(modelId);
    if (known !== undefined) return known;
    if (labels.size >= MAX_MODELS) return OTHERS;
    // A name comes with the first manifest; until then there is nothing to remember.
    if (modelName === null) return { model: "unknown", model_id: "unknown" };
    const made = { model: modelName, model_id: modelId };
    labels.set(modelId, made);
    return made;
  };
  return {
    running: (by) => running.inc(by),
    worked({ modelId, modelName, outcome, run }) {
      const of = labelsOf(modelId, modelName);
      jobs.inc({ ...of, outcome });
      if (run === null) return;
      runs.observe(of, run.runMs / 1_000);
      batches.observe(of, run.batch);
      if (run.loadMs > 0) loads.observe(of, run.loadMs / 1_000);
    },
  };
}
