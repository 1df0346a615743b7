import type { Log } from "../observe/port.ts";

/** Undoes what was started, latest first; every step runs even if one fails. */
export class Closers {
  readonly #steps: { name: string; close: () => Promise<void> }[] = [];

  add(name: string, close: () => Promise<void>): void {
    this.#steps.push({ name, close });
  }

  async close(log: Log): Promise<void> {
    for (const { name, close } of this.#steps.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        log.error({ err: error, part: name }, "closing failed");
      }
    }
  }
}
