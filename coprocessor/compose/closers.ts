import type { Log } from "../observe/port.ts";

/** Undoes what was started, latest first; every step runs even if one fails. */
export class Closers {
  readonly #steps: { name: string; close: () => Promise<void> }[] = [];

  add(name: string, close: () => Promise<void>): void {
    this.#steps.push({ name, close });
  }

  /** Opens a part that is closed with the rest, also where the closing begins before it is open. */
  open<T>(name: string, open: () => Promise<T>, close: (part: T) => Promise<void>): Promise<T> {
    const opening = open();
    this.add(name, () => opening.then(close, () => undefined));
    return opening;
  }

  async close(log: Log): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      const { name, close } = step;
      try {
        await close();
      } catch (error) {
        log.error({ err: error, part: name }, "closing failed");
      }
    }
  }
}
