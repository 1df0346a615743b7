import type { Log } from "../observe/port.ts";
import { type Exit, type InferenceChild, startChild } from "./childProcess.ts";
import type { GraphSignature, JobMessage, ProcessMessage, RuntimeSettings } from "./messages.ts";

/** How one job in a process ended. `exit`: the process ended under it. */
export type Ending =
  | { kind: "answer"; message: Exclude<ProcessMessage, { kind: "ready" }> }
  | { kind: "exit"; exit: Exit }
  | { kind: "timeout" };

/** What a message says beside the model. */
export type GraphWork = Pick<JobMessage, "feeds" | "fetches" | "generation" | "rows" | "work">;

/** A message, and what to run once the model is loaded, where that depends on the graph. */
export interface SlotJob {
  message: JobMessage;
  prepare: ((signature: GraphSignature) => GraphWork) | null;
}

/** Milliseconds before a process that ended without having started is started again: at first, doubling up to at most. */
const RESTART_MS = { first: 200, most: 10_000 };

/**
 * A place in the pool: one process, replaced whenever it ends, and at most one job.
 */
export class Slot {
  readonly #settings: RuntimeSettings;
  readonly #directory: string;
  readonly #log: Log;
  /** Called whenever the slot may have become free. */
  readonly #onFree: () => void;
  /** Models that the current process has run, the latest last. */
  readonly #models = new Set<string>();
  #child: InferenceChild | null = null;
  #ready = false;
  #ending: ((ending: Ending) => void) | null = null;
  #busy = false;
  #timedOut = false;
  #closed: (() => void) | null = null;
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
    return this.#ready && !this.#busy && this.#closed === null;
  }

  /** Whether its process probably has the model loaded. */
  has(modelId: string): boolean {
    return this.#models.has(modelId);
  }

  /** Of its process, while it has one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get loadedModels(): number {
    return this.#models.size;
  }

  /**
   * Runs a job; only when `free`. A process that takes longer than the timeout is ended.
   *
   * @throws what `prepare` throws.
   */
  async run({ message, prepare }: SlotJob, timeoutMs: number): Promise<Ending> {
    this.#busy = true;
    this.#timedOut = false;
    this.#models.delete(message.modelId);
    this.#models.add(message.modelId);
    const [longestUnused] = this.#models;
    if (this.#models.size > this.#settings.maxSessions && longestUnused) this.#models.delete(longestUnused);
    const timer = setTimeout(() => {
      this.#timedOut = true;
      this.#child?.kill();
    }, timeoutMs);
    try {
      const loaded = await this.#exchange(message);
      if (!prepare || loaded.kind !== "answer" || loaded.message.kind !== "done") return loaded;
      const { signature, loadMs } = loaded.message;
      const ran = await this.#exchange({ ...message, ...prepare(signature) });
      if (ran.kind === "answer" && ran.message.kind === "done") ran.message.loadMs += loadMs;
      return ran;
    } finally {
      clearTimeout(timer);
      this.#busy = false;
      this.#onFree();
    }
  }

  #exchange(message: JobMessage): Promise<Ending> {
    return new Promise((resolve) => {
      this.#ending = resolve;
      this.#child?.send(message);
    });
  }

  /** Ends the process; a job in it ends with `exit`. */
  async close(): Promise<void> {
    if (this.#restart) clearTimeout(this.#restart);
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
      if (this.#child) this.#child.kill();
      else resolve();
    });
  }

  #start(): void {
    this.#restart = null;
    this.#models.clear();
    this.#timedOut = false;
    this.#child = startChild(this.#settings, this.#directory, {
      onMessage: (message) => {
        if (message.kind === "ready") {
          this.#ready = true;
          this.#restartMs = RESTART_MS.first;
          this.#onFree();
        } else {
          this.#finish({ kind: "answer", message });
        }
      },
      onExit: (exit) => this.#onExit(exit),
    });
  }

  #onExit(exit: Exit): void {
    const started = this.#ready;
    this.#child = null;
    this.#ready = false;
    if (this.#closed) {
      this.#finish({ kind: "exit", exit });
      this.#closed();
      return;
    }
    this.#log.warn(
      { ...exit, started, timedOut: this.#timedOut },
      "inference process ended; a new one is started",
    );
    const ending: Ending = this.#timedOut ? { kind: "timeout" } : { kind: "exit", exit };
    if (started) this.#start();
    else {
      // Something keeps it from starting at all; do not spin.
      this.#restart = setTimeout(() => this.#start(), this.#restartMs);
      this.#restartMs = Math.min(2 * this.#restartMs, RESTART_MS.most);
    }
    this.#finish(ending);
  }

  #finish(ending: Ending): void {
    const resolve = this.#ending;
    this.#ending = null;
    resolve?.(ending);
  }
}
