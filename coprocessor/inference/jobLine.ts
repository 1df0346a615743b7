import type { RuntimeFingerprint } from "../core/runtime.ts";
import type { Log } from "../observe/port.ts";
import { Deadline } from "./deadline.ts";
import { encodeFrame } from "./frames.ts";
import type { LoadableModel } from "./loadableModel.ts";
import { type Failure, MAX_INPUT_BYTES, type RuntimeSettings } from "./messages.ts";
import { type Ending, Slot } from "./slot.ts";

/** How a job went. `waited`: no process was free in time. `closed`: the line was closed before its turn. */
export type JobEnding =
  | { kind: "answer"; output: Uint8Array; runtime: RuntimeFingerprint; loadMs: number; runMs: number }
  /** The model is loaded, which was all that was wanted. */
  | { kind: "loaded" }
  | ({ kind: "failed" } & Failure)
  | Extract<Ending, { kind: "exit" | "timeout" }>
  | { kind: "waited" }
  | { kind: "closed" };

interface Job {
  model: LoadableModel;
  /** Null for a job that only has the model loaded. */
  input: Uint8Array | null;
  timeoutMs: number;
  /** When it is given up if it still waits, on `performance.now()`'s clock; 0 when its time has not begun. */
  waitsUntilMs: number;
  /** Whether it goes into a frame of its own, because it was in one that a process did not survive. */
  alone: boolean;
  ended(ending: JobEnding): void;
}

/**
 * Fewer jobs than this are not worth a frame of their own while another one is worked on: a frame costs what a dozen requests
 * of a small model do, and while a process waits for one, the others and the node use the processor.
 */
const JOBS_AHEAD = 32;

/**
 * Jobs in order of arrival, and the processes that take them: one that has the model loaded if it is free, else the
 * one with the fewest models.
 *
 * Jobs of one model that come together, or while every process is busy, go into one frame. Nothing ever waits for a
 * neighbour: with a process free, a job starts as soon as what led to it has run, before any I/O. When a process ends
 * under a frame, each of its jobs is run again by itself, so that none suffers from another's. Of a model whose jobs
 * are short a process gets the next frame before it has answered one, so that it need not wait for the engine; where
 * the node has about as much to do for a job as a process, rather that than a second process beside the node.
 */
export class JobLine {
  readonly #jobs: Job[] = [];
  readonly #slots: Slot[];
  /** Frames that processes have. */
  #frames = 0;
  /** Of the first job that may have waited too long. */
  readonly #waiting = new Deadline(() => this.#giveUp());
  #assigning = false;
  /** When the jobs that come now came, on `performance.now()`'s clock. */
  #nowMs = 0;
  #closed = false;
  /** Told once no process has a frame. */
  #onIdle: (() => void) | null = null;

  constructor(size: number, options: { settings: RuntimeSettings; directory: string; log: Log }) {
    this.#slots = Array.from(
      { length: size },
      () => new Slot({ ...options, onFree: () => this.#assignSoon() }),
    );
  }

  /**
   * @param input Null to have the model loaded and nothing run.
   * @param timeoutMs First for the wait, then again for the work.
   * @param ended Told once.
   */
  run(
    model: LoadableModel,
    input: Uint8Array | null,
    timeoutMs: number,
    ended: (ending: JobEnding) => void,
  ): void {
    this.#enqueue({ model, input, timeoutMs, waitsUntilMs: 0, alone: false, ended });
  }

  /** Loads a model in every process that is free, or, with none, in the first that will be. */
  warm(model: LoadableModel, timeoutMs: number): Promise<JobEnding[]> {
    const free = this.#slots.filter((slot) => slot.free);
    const loads =
      free.length === 0
        ? [(ended: Job["ended"]) => this.run(model, null, timeoutMs, ended)]
        : free.map((slot) => (ended: Job["ended"]) => {
            this.#send(slot, [{ model, input: null, timeoutMs, waitsUntilMs: 0, alone: true, ended }]);
          });
    return Promise.all(loads.map((load) => new Promise<JobEnding>(load)));
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
    this.#waiting.stop();
    for (const job of this.#jobs.splice(0)) job.ended({ kind: "closed" });
    if (this.#frames > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  #enqueue(job: Job): void {
    if (this.#closed) {
      job.ended({ kind: "closed" });
      return;
    }
    this.#assignSoon();
    if (job.waitsUntilMs === 0) job.waitsUntilMs = this.#nowMs + job.timeoutMs;
    if (job.waitsUntilMs < this.#waiting.atMs) this.#waiting.set(job.waitsUntilMs);
    this.#jobs.push(job);
  }

  /** Once everybody who is about to add a job has done so: after the promises that are settled now, before any I/O. */
  #assignSoon(): void {
    if (this.#assigning) return;
    this.#assigning = true;
    this.#nowMs = performance.now();
    process.nextTick(() => {
      this.#assigning = false;
      this.#assign();
    });
  }

  #assign(): void {
    while (this.#jobs.length > 0) {
      const [{ model }] = this.#jobs as [Job];
      const free = this.#slots.filter((slot) => slot.free);
      // Of tiny jobs a process that is at work anyway does a second frame sooner than another one wakes up for it.
      if ((free.length === 0 || model.isTiny) && this.#assignAhead()) continue;
      if (free.length === 0) return;
      // Rather two processes with half of the jobs each than one with all.
      let share = Math.ceil(this.#jobs.length / free.length);
      // And rather two frames than one, when there is enough for both.
      if (share >= 2 * JOBS_AHEAD && model.isShort) share = Math.ceil(share / 2);
      const slot =
        free.find((candidate) => candidate.has(model.modelId)) ??
        free.reduce((best, candidate) => (candidate.loadedModels < best.loadedModels ? candidate : best));
      this.#send(slot, this.#take(share));
    }
  }

  /** Gives a process that is busy with a short frame the next one. */
  #assignAhead(): boolean {
    const [job] = this.#jobs as [Job];
    if (this.#jobs.length < JOBS_AHEAD || job.alone || !job.model.isShort) return false;
    const room = this.#slots.filter((slot) => slot.hasRoom && slot.latest === job.model.modelId);
    const [slot] = room;
    if (slot === undefined) return false;
    this.#send(slot, this.#take(Math.max(JOBS_AHEAD, Math.ceil(this.#jobs.length / room.length))));
    return true;
  }

  /** Takes the first job out of the line, and those that go into one frame with it. */
  #take(share: number): Job[] {
    const [first] = this.#jobs as [Job];
    const most = first.alone || first.input === null ? 1 : Math.min(first.model.jobsPerFrame, share);
    const taken: Job[] = [];
    const passed: Job[] = [];
    let bytes = 0;
    let at = 0;
    for (; at < this.#jobs.length && taken.length < most; at += 1) {
      const job = this.#jobs[at] as Job;
      const fits = job === first || (!job.alone && job.model === first.model && job.input !== null);
      if (!fits) passed.push(job);
      else {
        bytes += job.input?.length ?? 0;
        if (bytes > MAX_INPUT_BYTES && taken.length > 0) break;
        taken.push(job);
      }
    }
    this.#jobs.splice(0, at, ...passed);
    return taken;
  }

  #send(slot: Slot, jobs: readonly Job[]): void {
    const [{ model }] = jobs as [Job];
    const isAhead = !slot.free;
    const startMs = performance.now();
    const inputs: Uint8Array[] = [];
    let timeoutMs = Number.POSITIVE_INFINITY;
    for (const job of jobs) {
      if (job.input !== null) inputs.push(job.input);
      timeoutMs = Math.min(timeoutMs, job.timeoutMs);
    }
    this.#frames += 1;
    slot.run(model.modelId, encodeFrame(model.head, inputs), timeoutMs, (ending) => {
      this.#frames -= 1;
      if (ending.kind === "done" && !isAhead && ending.loadMs === 0 && inputs.length > 0)
        model.took(performance.now() - startMs, inputs.length);
      this.#end(jobs, ending);
      if (this.#frames === 0) this.#onIdle?.();
    });
  }

  /** Tells a frame's jobs how it ended, or gives them another try. */
  #end(jobs: readonly Job[], ending: Ending): void {
    if (ending.kind === "done") {
      answer(jobs, ending);
    } else if (ending.kind === "unstarted") {
      for (const job of jobs) this.#enqueue(job);
    } else if (ending.kind === "failed" || jobs.length === 1) {
      for (const job of jobs) job.ended(ending);
    } else {
      // Nobody knows whose fault it was.
      for (const job of jobs) this.#enqueue({ ...job, waitsUntilMs: 0, alone: true });
    }
  }

  #giveUp(): void {
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const job of this.#jobs.splice(0)) {
      if (job.waitsUntilMs <= now) {
        job.ended({ kind: "waited" });
        continue;
      }
      this.#jobs.push(job);
      next = Math.min(next, job.waitsUntilMs);
    }
    this.#waiting.set(next);
  }
}

/** Tells each job its row of a frame. */
function answer(jobs: readonly Job[], { runtime, loadMs, rows }: Extract<Ending, { kind: "done" }>): void {
  let together = runtime;
  let at = 0;
  for (const job of jobs) {
    if (job.input === null) {
      job.ended({ kind: "loaded" });
      continue;
    }
    const row = rows[at];
    at += 1;
    if (row === undefined) job.ended(unanswered(rows.length));
    else if ("fact" in row) job.ended({ kind: "failed", ...row });
    else {
      const { output, runMs, batch } = row;
      if (together.batch !== batch) together = { ...runtime, batch };
      job.ended({ kind: "answer", output, runtime: together, loadMs, runMs });
    }
  }
}

/** Only a process that is no longer ours can answer less than it was asked. */
const unanswered = (rows: number): JobEnding => ({
  kind: "failed",
  fact: "model-failed",
  retry: "backoff",
  message: `the process gave ${rows} answers, and to this request none`,
  meta: { rows },
});
