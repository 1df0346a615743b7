import type { Hex } from "viem";
import { type Admission, type Capacity, decideAdmission, placeOf, type TakenJob } from "./admission.ts";
import { type CapabilityChoice, capabilityOf } from "./capability.ts";
import type { Prices } from "./earnings.ts";
import type { RequestKey } from "./request.ts";
import type { RuntimeFingerprint } from "./runtime.ts";
import { ServiceTimes } from "./serviceTimes.ts";

/** What an operator decides about the work that it takes; may change while the node runs. */
export interface WorkloadRules extends Capacity {
  /** Models that have a queue, and workers, of their own; each queue has this capacity. */
  capabilities: CapabilityChoice;
  prices: Prices;
  /** Milliseconds kept free for gossip and the queue, beside what agreement and settlement need. */
  marginMs: number;
}

/** A job before it is known how long it takes. */
export type OfferedJob = Pick<TakenJob, "key" | "priority" | "latestEndAt"> & { modelId: Hex };

/**
 * The jobs that this node has taken and that have not ended, and what it knows about how long jobs take.
 *
 * A mirror in memory of the rows in state `queued`: filled from them at the start, and each stage that ends a job says so.
 */
export class Workload {
  readonly times: ServiceTimes;
  readonly #rules: () => WorkloadRules;
  /** By queue, in the order in which they are expected to run. */
  readonly #taken: Map<string, TakenJob[]>;
  /** Keys of the jobs that were taken here, and not for another oracle. */
  readonly #own = new Set<RequestKey>();
  #draining = false;

  /** @param beside Another oracle's, if the same workers run its jobs: both then count the jobs of both. */
  constructor(rules: () => WorkloadRules, beside?: Workload) {
    this.#rules = rules;
    this.times = beside?.times ?? new ServiceTimes();
    this.#taken = beside === undefined ? new Map() : beside.#taken;
  }

  get rules(): WorkloadRules {
    return this.#rules();
  }

  /** Takes a job if it can be done in time. */
  take(job: OfferedJob, now: number): Admission | { type: "drain" } {
    if (this.#draining) return { type: "drain" };
    this.ended(job.key);
    const counted = { ...job, workMs: this.times.expectedMs(job.modelId, now) };
    const taken = this.#besides(job);
    const decision = decideAdmission(counted, taken, this.rules, now);
    if (decision.type === "take") this.#count(counted, taken, decision.insertAt);
    return decision;
  }

  /** Counts a job that was taken before a restart, whatever it means for the others. */
  resume(job: OfferedJob, now: number): void {
    this.ended(job.key);
    const counted = { ...job, workMs: this.times.expectedMs(job.modelId, now) };
    const taken = this.#besides(job);
    this.#count(counted, taken, placeOf(counted, taken, this.rules.held));
  }

  /** The job ran, failed, or is not wanted any more. */
  ended(key: RequestKey): void {
    this.#own.delete(key);
    for (const taken of this.#taken.values()) {
      const place = taken.findIndex((job) => job.key === key);
      if (place !== -1) taken.splice(place, 1);
    }
  }

  /** The oracle is not served any more: whoever is left on the same workers does not wait for its jobs. */
  leave(): void {
    this.drain();
    for (const key of this.#own) this.ended(key);
  }

  /** Remembers how long a run took. */
  observe(modelId: Hex, run: { runMs: number; runtime: RuntimeFingerprint }, now: number): void {
    const { used, batch } = run.runtime;
    this.times.observe(modelId, used.join("+"), run.runMs / batch, now);
  }

  /** Takes no further job. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Jobs that were taken and have not ended. */
  get size(): number {
    return [...this.#taken.values()].reduce((sum, taken) => sum + taken.length, 0);
  }

  /** Milliseconds until the longest queue is empty. */
  get backlogMs(): number {
    const sums = [...this.#taken.values()].map((taken) => taken.reduce((sum, { workMs }) => sum + workMs, 0));
    return Math.max(0, ...sums) / this.rules.lanes;
  }

  #count(job: TakenJob, taken: TakenJob[], place: number): void {
    taken.splice(place, 0, job);
    this.#own.add(job.key);
  }

  /** The jobs of the queue that a job goes to. */
  #besides({ modelId }: OfferedJob): TakenJob[] {
    const queue = capabilityOf(modelId, this.rules.capabilities);
    const taken = this.#taken.get(queue) ?? [];
    this.#taken.set(queue, taken);
    return taken;
  }
}
