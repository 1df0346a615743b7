/**
 * Undoes what was started, latest first; every step runs even if one fails.
 *
 * One object goes through all that starts something, so that a Ctrl-C in the middle of a start leaves nothing behind.
 */
export class Teardown {
  readonly #steps = new Set<() => Promise<void>>();
  #done: Promise<void> | null = null;
  readonly #failures: Error[] = [];

  get stopping(): boolean {
    return this.#done !== null;
  }

  /** What could not be undone. */
  get failures(): readonly Error[] {
    return this.#failures;
  }

  /**
   * Registers a step; one that comes too late, while all is being undone, runs at once.
   *
   * @returns the same step, for undoing it early; it runs once only.
   */
  add(name: string, undo: () => Promise<unknown> | unknown): () => Promise<void> {
    let running: Promise<void> | null = null;
    const step = () => {
      this.#steps.delete(step);
      running ??= this.#attempt(name, undo);
      return running;
    };
    if (this.stopping) void step();
    else this.#steps.add(step);
    return step;
  }

  /** Undoes everything; further calls wait for the first. */
  run(): Promise<void> {
    this.#done ??= this.#runAll();
    return this.#done;
  }

  /** @throws Error when everything is being undone: a start that is under way then ends here. */
  assertRunning(): void {
    if (this.stopping) throw new Error("stopping");
  }

  async #runAll(): Promise<void> {
    for (const step of [...this.#steps].reverse()) await step();
  }

  async #attempt(name: string, undo: () => Promise<unknown> | unknown): Promise<void> {
    try {
      await undo();
    } catch (cause) {
      this.#failures.push(new Error(`${name} could not be undone: ${(cause as Error).message}`, { cause }));
    }
  }
}
