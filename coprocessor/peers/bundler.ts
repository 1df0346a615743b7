/**
 * Gathers what is said in the same short while, so that it goes out together.
 *
 * A message that comes alone waits for nothing but the end of the event loop's turn. What comes while an earlier bundle
 * is on its way waits for it, and so does what comes within `gapMs` after it.
 */
export interface Bundler {
  /** @returns once the bundle that the message is in was sent. */
  add(body: Uint8Array): Promise<void>;
  /** Sends what waits, now; what comes while it does so, too. */
  flush(): Promise<void>;
}

/**
 * Milliseconds that a bundle counts as on its way. A frame costs every peer a fraction of a millisecond whatever is in it;
 * an agreement has three rounds, so this is the most that each may wait for company.
 */
export const BUNDLE_GAP_MS = 5;

export interface BundlerOptions {
  /** Milliseconds between two bundles, unless what waits fills one. */
  gapMs: number;
  /** How many of these, from the first on, go into one bundle: at least one. */
  fitting(bodies: readonly Uint8Array[]): number;
  /** Never fails: delivery is at most once, and senders repeat. */
  send(bodies: readonly Uint8Array[]): Promise<void>;
}

interface Waiting {
  body: Uint8Array;
  sent(): void;
}

export function createBundler({ gapMs, fitting, send }: BundlerOptions): Bundler {
  const waiting: Waiting[] = [];
  let cancel: (() => void) | null = null;
  let sending: Promise<void> | null = null;
  let sentAt = Number.NEGATIVE_INFINITY;

  function schedule(): void {
    if (cancel !== null || sending !== null || waiting.length === 0) return;
    const delayMs = sentAt + gapMs - performance.now();
    if (delayMs <= 0) {
      const turn = setImmediate(() => void begin());
      cancel = () => clearImmediate(turn);
    } else {
      const timer = setTimeout(() => void begin(), delayMs);
      cancel = () => clearTimeout(timer);
    }
  }

  function begin(): Promise<void> {
    cancel?.();
    cancel = null;
    sending ??= sendAll().finally(() => {
      sending = null;
      schedule();
    });
    return sending;
  }

  async function sendAll(): Promise<void> {
    while (waiting.length > 0) {
      const bundle = waiting.splice(0, fitting(waiting.map(({ body }) => body)));
      await send(bundle.map(({ body }) => body));
      sentAt = performance.now();
      for (const { sent } of bundle) sent();
    }
  }

  return {
    add(body) {
      const sent = new Promise<void>((resolve) => waiting.push({ body, sent: resolve }));
      schedule();
      return sent;
    },
    async flush() {
      while (waiting.length > 0 || sending !== null) await begin();
    },
  };
}
