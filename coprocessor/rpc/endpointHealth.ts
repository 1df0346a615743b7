/** Weight of the newest call. */
const NEWEST = 0.2;
/** What an endpoint is presumed to need that was not asked lately. */
const PRESUMED_MS = 250;
/** Below this, differences are noise. */
const FAST_MS = 20;
/** How much worse than the best one an endpoint must be to lose its place. */
const TOLERATED = 2;
const FORGOTTEN_AFTER_MS = 300_000;
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;

/**
 * What a client remembers about an endpoint: how fast it answers, how often it fails, and whether it rests.
 *
 * Latency and failures are moving averages over about the last ten calls; after five minutes without a call they are
 * forgotten, so that an endpoint that has recovered gets its place back.
 */
export class EndpointHealth {
  #latencyMs = PRESUMED_MS;
  #failures = 0;
  #calls = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #restUntilMs = 0;
  #restMs = 0;

  succeeded(latencyMs: number, nowMs: number): void {
    this.#forget(nowMs);
    this.#restMs = 0;
    const weight = this.#calls === 0 ? 1 : NEWEST;
    this.#latencyMs += weight * (latencyMs - this.#latencyMs);
    this.#failures *= 1 - NEWEST;
    this.#calls += 1;
  }

  /** The endpoint gave no usable answer: it rests, twice as long each time. Calls that failed together count once. */
  failed(nowMs: number): void {
    this.#forget(nowMs);
    this.#failures += NEWEST * (1 - this.#failures);
    this.#calls += 1;
    if (nowMs >= this.#restUntilMs)
      this.#restMs = Math.min(Math.max(this.#restMs * 2, FIRST_REST_MS), LONGEST_REST_MS);
    this.#restUntilMs = nowMs + this.#restMs;
  }

  get restMs(): number {
    return this.#restMs;
  }

  restsUntil(nowMs: number): number | null {
    return this.#restUntilMs > nowMs ? this.#restUntilMs : null;
  }

  /** Milliseconds that an answer is expected to take, each failure counted as ten calls. */
  expectedMs(nowMs: number): number {
    if (nowMs - this.#lastMs > FORGOTTEN_AFTER_MS) return PRESUMED_MS;
    return Math.max(FAST_MS, this.#latencyMs) * (1 + 9 * this.#failures);
  }

  #forget(nowMs: number): void {
    if (nowMs - this.#lastMs > FORGOTTEN_AFTER_MS) {
      this.#latencyMs = PRESUMED_MS;
      this.#failures = 0;
      this.#calls = 0;
    }
    this.#lastMs = nowMs;
  }
}

/**
 * In what order to ask: those that work about as well as the best one, in the operator's order; then the slower ones;
 * then the resting ones, the earliest to wake first, as a last resort.
 */
export function byPreference<T extends { health: EndpointHealth }>(
  endpoints: readonly T[],
  nowMs: number,
): T[] {
  const awake = endpoints.filter(({ health }) => health.restsUntil(nowMs) === null);
  const resting = endpoints.filter(({ health }) => health.restsUntil(nowMs) !== null);
  const expected = (endpoint: T) => endpoint.health.expectedMs(nowMs);
  const best = Math.min(...awake.map(expected));
  const good = awake.filter((endpoint) => expected(endpoint) <= TOLERATED * best);
  const slow = awake.filter((endpoint) => expected(endpoint) > TOLERATED * best);
  return [
    ...good,
    ...slow.sort((a, b) => expected(a) - expected(b)),
    ...resting.sort((a, b) => (a.health.restsUntil(nowMs) ?? 0) - (b.health.restsUntil(nowMs) ?? 0)),
  ];
}
