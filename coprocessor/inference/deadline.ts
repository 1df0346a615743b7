/**
 * One deadline that moves often and passes seldom: setting and clearing it starts no timer as long as one runs that
 * goes off early enough.
 */
export class Deadline {
  readonly #onPassed: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** @param atMs On `performance.now()`'s clock; infinite for none. */
  set(atMs: number): void {
    this.#atMs = atMs;
    if (atMs < this.#timerAtMs) this.#start();
  }

  get atMs(): number {
    return this.#atMs;
  }

  clear(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
  }

  /** Clears it and lets nothing run on. */
  stop(): void {
    this.clear();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  #start(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAtMs = this.#atMs;
    // What waits for the deadline holds a process or a socket, and that keeps Node's loop going.
    this.#timer = setTimeout(
      () => this.#goOff(),
      Math.max(0, Math.ceil(this.#atMs - performance.now())),
    ).unref();
  }

  #goOff(): void {
    this.#timer = null;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    if (this.#atMs === Number.POSITIVE_INFINITY) return;
    if (performance.now() < this.#atMs) this.#start();
    else {
      this.clear();
      this.#onPassed();
    }
  }
}
