/** Loops that must turn for a node to be alive, and when each did last. */
export class Pulse {
  readonly #last = new Map<string, number>();
  readonly #lateAfterMs: number;

  /** @param lateAfterMs Longer than any loop rests on purpose. */
  constructor(lateAfterMs: number) {
    this.#lateAfterMs = lateAfterMs;
  }

  /** The loop has come round; its first beat makes it one that is watched. @param now Unix milliseconds */
  beat(name: string, now: number): void {
    this.#last.set(name, now);
  }

  /** Milliseconds since each loop's last turn. */
  ages(now: number): Record<string, number> {
    return Object.fromEntries([...this.#last].map(([name, at]) => [name, now - at]));
  }

  /** Loops that have not turned for too long. */
  late(now: number): string[] {
    return [...this.#last].filter(([, at]) => now - at > this.#lateAfterMs).map(([name]) => name);
  }
}
