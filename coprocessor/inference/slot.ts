import type { RuntimeFingerprint } from "../core/runtime.ts";
import type { Log } from "../observe/port.ts";
import { type ChildMessage, type Exit, type InferenceChild, startChild } from "./childProcess.ts";
import { Deadline } from "./deadline.ts";
import type { Failure, RowEnding, RuntimeSettings } from "./messages.ts";

/** How one frame in a process ended. `exit`: the process ended under it. */
export type Ending =
  | { kind: "done"; runtime: RuntimeFingerprint; loadMs: number; rows: RowEnding[] }
  | ({ kind: "failed" } & Failure)
  | { kind: "exit"; exit: Exit }
  | { kind: "timeout" }
  /** The process ended before it came to this frame. */
  | { kind: "unstarted" };

/** A frame that a process has, and does not have answered. */
interface Sent {
  timeoutMs: number;
  ended(ending: Ending): void;
}

/** Milliseconds before a process that ended without having started is started again: at first, doubling up to at most. */
const RESTART_MS = { first: 200, most: 10_000 };

/**
 * A place in the pool: one process, replaced whenever it ends, and at most two frames of jobs: the one that it works on and the
 * one that is in its pipe when it is through.
 */
export class Slot {
  readonly #settings: RuntimeSettings;
  readonly #directory: string;
  readonly #log: Log;
  /** Called whenever the slot may have become free. */
  readonly #onFree: () => void;
  /** Models that the current process has run, the latest last. */
  readonly #models = new Set<string>();
  #latest: string | undefined;
  #child: InferenceChild | null = null;
  #ready = false;
  /** The first is the one that the process works on. */
  readonly #sent: Sent[] = [];
  /** What it was ended for. */
  #timedOut: Sent | null = null;
  /** Whether it has said that it ends itself. */
  #isLeaving = false;
  #closed: (() => void) | null = null;
  readonly #deadline = new Deadline(() => {
    this.#timedOut = this.#sent[0] ?? null;
    this.#child?.kill();
  });
  #restartMs = RESTART_MS.first;
  #restart: NodeJS.Timeout | null = null;

  constructor(options: { settings: RuntimeSettings; directory: string; log: Log; onFree: () => void }) {
    this.#settings = options.settings;
    this.#directory = options.directory;
    this.#log = options.log;
    this.#onFree = options.onFree;
    this.#start();
  }

  get free(): boolean {
    return this.#sent.length === 0 && this.#isUp;
  }

  /** Whether it works on one frame and can be given the next. */
  get hasRoom(): boolean {
    return this.#sent.length === 1 && this.#isUp;
  }

  get #isUp(): boolean {
    return this.#ready && !this.#isLeaving && this.#timedOut === null && this.#closed === null;
  }

  /** Whether its process probably has the model loaded. */
  has(modelId: string): boolean {
    return this.#models.has(modelId);
  }

  /** Of its process, while it has one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The model of its latest frame. */
  get latest(): string | undefined {
    return this.#latest;
  }

  get loadedModels(): number {
    return this.#models.size;
  }

  /**
   * Has a frame worked off; only when `free`, or when it `hasRoom`. A process that takes longer than the timeout, from when
   * it comes to the frame, is ended.
   */
  run(modelId: string, frame: Buffer, timeoutMs: number, ended: (ending: Ending) => void): void {
    this.#latest = modelId;
    this.#models.delete(modelId);
    this.#models.add(modelId);
    const [longestUnused] = this.#models;
    if (this.#models.size > this.#settings.maxSessions && longestUnused) this.#models.delete(longestUnused);
    this.#sent.push({ timeoutMs, ended });
    if (this.#sent.length === 1) this.#deadline.set(performance.now() + timeoutMs);
    this.#child?.send(frame);
  }

  /** Ends the process; a job in it ends with `exit`. */
  async close(): Promise<void> {
    if (this.#restart) clearTimeout(this.#restart);
    this.#deadline.stop();
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
      if (this.#child) this.#child.kill();
      else resolve();
    });
  }

  #start(): void {
    this.#restart = null;
    this.#models.clear();
    this.#timedOut = null;
    this.#isLeaving = false;
    this.#child = startChild(this.#settings, this.#directory, {
      onMessage: (message) => this.#onMessage(message),
      onExit: (exit) => this.#onExit(exit),
    });
  }

  #onMessage(message: ChildMessage): void {
    if (message.kind === "ready") {
      this.#ready = true;
      this.#restartMs = RESTART_MS.first;
      this.#onFree();
      return;
    }
    this.#isLeaving = message.isLast;
    this.#finish(message);
  }

  #onExit(exit: Exit): void {
    const started = this.#ready;
    this.#child = null;
    this.#ready = false;
    const timedOut = this.#timedOut !== null;
    const [first, ...others] = this.#sent.splice(0);
    this.#deadline.clear();
    // One that it answered, or never came to, is not what it ended under.
    const unstarted = this.#isLeaving ? [first, ...others] : others;
    const ending: Ending =
      timedOut && this.#timedOut === first ? { kind: "timeout" } : { kind: "exit", exit };
    if (this.#closed) {
      for (const sent of [first, ...others]) sent?.ended(ending);
      this.#closed();
      return;
    }
    this.#log.warn({ ...exit, started, timedOut }, "inference process ended; a new one is started");
    if (started) this.#start();
    else {
      // Something keeps it from starting at all; do not spin.
      this.#restart = setTimeout(() => this.#start(), this.#restartMs);
      this.#restartMs = Math.min(2 * this.#restartMs, RESTART_MS.most);
    }
    if (!unstarted.includes(first)) first?.ended(ending);
    for (const sent of unstarted) sent?.ended({ kind: "unstarted" });
  }

  #finish(ending: Ending): void {
    const done = this.#sent.shift();
    if (done === undefined) return;
    const [next] = this.#sent;
    if (next === undefined) this.#deadline.clear();
    else this.#deadline.set(performance.now() + next.timeoutMs);
    done.ended(ending);
    this.#onFree();
  }
}
