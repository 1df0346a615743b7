/** Something that was not what it claims to be, and was not acted on. */
export interface RecentFault {
  /** Unix milliseconds. */
  at: number;
  code: string;
  reason: string;
  /** Where it was found; plain JSON values. */
  where: Record<string, string | number>;
}

/** The latest faults that belong to no request, for the status; the log has all of them. */
export class RecentFaults {
  readonly #faults: RecentFault[] = [];
  readonly #most: number;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(fault: RecentFault): void {
    this.#count += 1;
    this.#faults.unshift(fault);
    this.#faults.length = Math.min(this.#faults.length, this.#most);
  }

  /** All that were ever added to this one. */
  get count(): number {
    return this.#count;
  }

  /** The latest first. */
  list(): readonly RecentFault[] {
    return this.#faults;
  }
}
