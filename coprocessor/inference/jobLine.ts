import type { Log } from "../observe/port.ts";
import { areRowsAlike, split, stack } from "./batch.ts";
import type { JobMessage, RuntimeSettings } from "./messages.ts";
import { type Ending, type GraphWork, Slot, type SlotJob } from "./slot.ts";

/** How a job went. `waited`: no process was free in time. `closed`: the line was closed before its turn. */
export type JobEnding = Ending | { kind: "waited" } | { kind: "closed" };

interface Job extends SlotJob {
  timeoutMs: number;
  /** Most jobs that it may be run together with, itself included. */
  together: number;
  /** Gives the job up while it waits. */
  waiting: NodeJS.Timeout;
  resolve(ending: JobEnding | Promise<JobEnding>): void;
}

/**
 * Jobs in order of arrival, and the processes that take them: one that has the model loaded if it is free, else the
 * one with the fewest models.
 *
 * Jobs of one model that come together, or while every process is busy, are run together. Nothing ever waits for a
 * neighbour: with a process free, a job starts as soon as what led to it has run, before any I/O. When a batch fails, each
 * of its jobs is run again by itself, so that none suffers from another's.
 */
export class JobLine {
  readonly #jobs: Job[] = [];
  readonly #slots: Slot[];
  readonly #running = new Set<Promise<void>>();
  #lastJob = 0;
  #assigning = false;
  #closed = false;

  constructor(size: number, options: { settings: RuntimeSettings; directory: string; log: Log }) {
    this.#slots = Array.from(
      { length: size },
      () => new Slot({ ...options, onFree: () => this.#assignSoon() }),
    );
  }

  /**
   * @param prepare Makes the feeds once the model is loaded; such a job runs alone.
   * @param together Most jobs of its model that it may be run together with, itself included.
   * @param timeoutMs First for the wait, then again for the work.
   * @throws what `prepare` throws.
   */
  run(
    message: Omit<JobMessage, "job">,
    { prepare = null, together = 1 }: { prepare?: SlotJob["prepare"]; together?: number },
    timeoutMs: number,
  ): Promise<JobEnding> {
    return new Promise((resolve) => this.#enqueue({ message, prepare, together, timeoutMs, resolve }));
  }

  /** Runs a message that only loads its model in every process that is free, or in the first that will be. */
  async warm(message: Omit<JobMessage, "job">, timeoutMs: number): Promise<JobEnding[]> {
    const free = this.#slots.filter((slot) => slot.free);
    if (free.length === 0) return [await this.run(message, {}, timeoutMs)];
    return Promise.all(
      free.map((slot) => {
        const job = { message: { ...message, job: ++this.#lastJob }, prepare: null };
        return this.#follow(slot.run(job, timeoutMs));
      }),
    );
  }

  /** Of the processes that run now. */
  pids(): number[] {
    return this.#slots.flatMap(({ pid }) => pid ?? []);
  }

  /** Jobs that run are finished, those that wait are turned away; then the processes end. */
  async close(): Promise<void> {
    // What found a process free runs, even if it has come in this very moment.
    this.#assign();
    this.#closed = true;
    for (const job of this.#jobs.splice(0)) {
      clearTimeout(job.waiting);
      job.resolve({ kind: "closed" });
    }
    await Promise.all(this.#running);
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  #enqueue(wanted: Omit<Job, "message" | "waiting"> & { message: Omit<JobMessage, "job"> }): void {
    const { message, timeoutMs, resolve } = wanted;
    if (this.#closed) {
      resolve({ kind: "closed" });
      return;
    }
    const job: Job = {
      ...wanted,
      message: { ...message, job: ++this.#lastJob },
      waiting: setTimeout(() => {
        this.#jobs.splice(this.#jobs.indexOf(job), 1);
        resolve({ kind: "waited" });
      }, timeoutMs),
    };
    this.#jobs.push(job);
    this.#assignSoon();
  }

  /** Once everybody who is about to add a job has done so: after the promises that are settled now, before any I/O. */
  #assignSoon(): void {
    if (this.#assigning) return;
    this.#assigning = true;
    process.nextTick(() => {
      this.#assigning = false;
      this.#assign();
    });
  }

  #assign(): void {
    for (;;) {
      const free = this.#slots.filter((slot) => slot.free);
      // Rather two processes with half of the jobs each than one with all.
      const share = Math.ceil(this.#jobs.length / free.length);
      const job = free.length > 0 ? this.#jobs.shift() : undefined;
      if (!job) return;
      const slot =
        free.find((candidate) => candidate.has(job.message.modelId)) ??
        free.reduce((best, candidate) => (candidate.loadedModels < best.loadedModels ? candidate : best));
      const jobs = [job, ...this.#takeNeighbours(job, share)];
      for (const { waiting } of jobs) clearTimeout(waiting);
      if (jobs.length === 1) job.resolve(this.#follow(slot.run(job, job.timeoutMs).then(onlyRow)));
      else void this.#follow(this.#runTogether(slot, jobs));
    }
  }

  /** Takes out of the line what can be run together with a job. */
  #takeNeighbours({ message, together }: Job, share: number): Job[] {
    const most = Math.min(together, share);
    if (most < 2) return [];
    const taken: Job[] = [];
    for (let at = 0; at < this.#jobs.length && taken.length < most - 1; ) {
      const other = this.#jobs[at] as Job;
      if (other.together > 1 && mayShareMessage(message, other.message))
        taken.push(...this.#jobs.splice(at, 1));
      else at += 1;
    }
    return taken;
  }

  async #runTogether(slot: Slot, jobs: readonly Job[]): Promise<void> {
    const [{ message }] = jobs as [Job];
    const all: GraphWork = message.rows
      ? { rows: jobs.flatMap((job) => job.message.rows ?? []) }
      : { feeds: stack(jobs.map((job) => job.message.feeds ?? {})) };
    const timeoutMs = Math.min(...jobs.map((job) => job.timeoutMs));
    const ending = await slot.run({ message: { ...message, ...all }, prepare: null }, timeoutMs);
    const endings = rowsOf(ending, jobs.length);
    for (const [row, job] of jobs.entries()) {
      const own = endings?.[row];
      // When the whole has failed, nobody knows whose fault it was.
      if (own) job.resolve(own);
      else this.#enqueue({ ...job, together: 1 });
    }
  }

  /** Remembers what runs until it has ended, for `close` to wait for. */
  #follow<T>(work: Promise<T>): Promise<T> {
    const running = work.then(
      () => undefined,
      () => undefined,
    );
    void running.then(() => this.#running.delete(running));
    this.#running.add(running);
    return work;
  }
}

function mayShareMessage(one: JobMessage, other: JobMessage): boolean {
  if (one.modelId !== other.modelId || one.provider !== other.provider) return false;
  // What becomes of rows is the process's to see; tensors are put together here.
  if (one.rows && other.rows) return true;
  return one.feeds !== undefined && other.feeds !== undefined && areRowsAlike(one.feeds, other.feeds);
}

/** Each job's part of how a message ended; null when it did not come to rows. */
function rowsOf(ending: Ending, count: number): Ending[] | null {
  if (ending.kind !== "answer" || ending.message.kind !== "done") return null;
  const { rows, ...done } = ending.message;
  if (!rows) {
    const runtime = { ...done.runtime, batch: count };
    return (
      split(done.results, count)?.map((results) => ({
        kind: "answer",
        message: { ...done, results, runtime },
      })) ?? null
    );
  }
  const { job } = done;
  return rows.map((row) => {
    if (row.kind === "failed") return { kind: "answer", message: { ...row, job } };
    const { results, runMs, batch } = row;
    return { kind: "answer", message: { ...done, results, runMs, runtime: { ...done.runtime, batch } } };
  });
}

/** How a job that has its message for itself ended. */
function onlyRow(ending: Ending): Ending {
  const hasRows = ending.kind === "answer" && ending.message.kind === "done" && ending.message.rows;
  return (hasRows && rowsOf(ending, 1)?.[0]) || ending;
}
