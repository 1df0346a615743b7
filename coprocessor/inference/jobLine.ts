import type { Log } from "../observe/port.ts";
import type { JobMessage, RuntimeSettings } from "./messages.ts";
import { type Ending, Slot, type SlotJob } from "./slot.ts";

/** How a job went. `waited`: no process was free in time. `closed`: the line was closed before its turn. */
export type JobEnding = Ending | { kind: "waited" } | { kind: "closed" };

interface Job extends SlotJob {
  timeoutMs: number;
  /** Gives the job up while it waits. */
  waiting: NodeJS.Timeout;
  resolve(ending: JobEnding | Promise<JobEnding>): void;
}

/**
 * Jobs in order of arrival, and the processes that take them: one that has the model loaded if it is free, else the
 * one with the fewest models.
 */
export class JobLine {
  readonly #jobs: Job[] = [];
  readonly #slots: Slot[];
  readonly #running = new Set<Promise<void>>();
  #lastJob = 0;
  #closed = false;

  constructor(size: number, options: { settings: RuntimeSettings; directory: string; log: Log }) {
    this.#slots = Array.from({ length: size }, () => new Slot({ ...options, onFree: () => this.#assign() }));
  }

  /**
   * @param timeoutMs First for the wait, then again for the work.
   * @throws what `prepare` throws.
   */
  run(message: Omit<JobMessage, "job">, prepare: SlotJob["prepare"], timeoutMs: number): Promise<JobEnding> {
    if (this.#closed) return Promise.resolve({ kind: "closed" });
    return new Promise((resolve) => {
      const job: Job = {
        message: { ...message, job: ++this.#lastJob },
        prepare,
        timeoutMs,
        waiting: setTimeout(() => {
          this.#jobs.splice(this.#jobs.indexOf(job), 1);
          resolve({ kind: "waited" });
        }, timeoutMs),
        resolve,
      };
      this.#jobs.push(job);
      this.#assign();
    });
  }

  /** Runs a message that only loads its model in every process that is free. */
  warm(message: Omit<JobMessage, "job">, timeoutMs: number): Promise<Ending[]> {
    if (this.#closed) return Promise.resolve([]);
    const free = this.#slots.filter((slot) => slot.free);
    return Promise.all(
      free.map((slot) => {
        const job = { message: { ...message, job: ++this.#lastJob }, prepare: null };
        return this.#follow(slot.run(job, timeoutMs));
      }),
    );
  }

  /** Jobs that run are finished, those that wait are turned away; then the processes end. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs.splice(0)) {
      clearTimeout(job.waiting);
      job.resolve({ kind: "closed" });
    }
    await Promise.all(this.#running);
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  #assign(): void {
    for (;;) {
      const free = this.#slots.filter((slot) => slot.free);
      const job = free.length > 0 ? this.#jobs.shift() : undefined;
      if (!job) return;
      clearTimeout(job.waiting);
      const slot =
        free.find((candidate) => candidate.has(job.message.modelId)) ??
        free.reduce((best, candidate) => (candidate.loadedModels < best.loadedModels ? candidate : best));
      job.resolve(this.#follow(slot.run(job, job.timeoutMs)));
    }
  }

  /** Remembers what runs until it has ended, for `close` to wait for. */
  #follow(ending: Promise<Ending>): Promise<Ending> {
    const running = ending.then(
      () => undefined,
      () => undefined,
    );
    void running.then(() => this.#running.delete(running));
    this.#running.add(running);
    return ending;
  }
}
