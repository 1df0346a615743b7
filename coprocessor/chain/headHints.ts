/** Looks that an announced head is worth when none of them finds it. */
const LOOKS_PER_HINT = 5;
/** Between these looks, milliseconds: the endpoint that is read may lag behind the one that announces. */
const LAGGING_MS = 200;
/** Before a look at what was announced during the last one, milliseconds; so often a server can make us look. */
const SHORTEST_PAUSE_MS = 50;

/**
 * Announcements of new heads, between whoever hears them and whoever reads the chain.
 *
 * Only hints: each brings the next looks forward. One that comes while the chain is being read is not lost, and none is
 * worth more than a few looks.
 */
export class HeadHints {
  #wake: (() => void) | null = null;
  /** Looks that are still owed to what was announced. */
  #looks = 0;
  /** Whether something was announced since the last look began. */
  #fresh = false;
  /** Unix milliseconds; null before the first announcement. */
  #announcedAt: number | null = null;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  announce(): void {
    this.#announcedAt = this.#now();
    this.#fresh = true;
    this.#looks = LOOKS_PER_HINT;
    this.#wake?.();
  }

  /** Calls `wake` at the next announcement. @returns what ends that. */
  onHint(wake: () => void): () => void {
    this.#wake = wake;
    return () => {
      this.#wake = null;
    };
  }

  /** Nothing will be announced for a while. */
  silence(): void {
    this.#announcedAt = null;
  }

  /** Whether there was an announcement in the last so many milliseconds. */
  heardWithin(ms: number): boolean {
    return this.#announcedAt !== null && this.#now() - this.#announcedAt <= ms;
  }

  /** The chain is being looked at: announcements from now on may be about what this look does not see. */
  lookBegins(): void {
    this.#fresh = false;
  }

  /**
   * How long to wait after a look, at most, milliseconds; null when nothing was announced that the look did not find.
   *
   * @param found Whether it found anything.
   */
  pauseMs(found: boolean): number | null {
    if (this.#fresh) return SHORTEST_PAUSE_MS;
    this.#looks = found ? 0 : Math.max(0, this.#looks - 1);
    return this.#looks > 0 ? LAGGING_MS : null;
  }
}
