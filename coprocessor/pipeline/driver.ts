import type { PeerMessage } from "../core/messages.ts";
import { worthPassingOn, worthRepeating } from "../core/repeats.ts";
import { isOpen, OPEN_STATES, type RequestKey, type RequestRecord } from "../core/request.ts";
import { enqueue } from "./act.ts";
import { resumeJob } from "./admit.ts";
import { advance } from "./advance.ts";
import type { PipelineDeps } from "./deps.ts";

export interface DriverOptions {
  /** Milliseconds between repeats of what we said about a request that is still open; doubles up to eight times. */
  repeatMs: number;
}

/** Runs `advance` for each request, one at a time per request, when something happened or a time came. */
export interface Driver {
  wake(key: RequestKey, at?: number): void;
  /** Adds a request's job again, if one is still awaited. */
  requeue(key: RequestKey): Promise<void>;
  /** Takes up all open requests; called once the chain's stored steps are known. */
  resume(): Promise<void>;
  /** Waits for what runs; wakes nothing any more. */
  stop(): Promise<void>;
}

interface Slot {
  running: Promise<void> | null;
  again: boolean;
  timer: NodeJS.Timeout | null;
  timerAt: number;
}

/** Milliseconds until a request whose step failed is tried again. */
const RETRY_MS = 1_000;
const REPEAT_DOUBLINGS = 3;
/** Messages that may be repeated however little there is to say for the first time. */
const FREE_REPEATS_PER_SECOND = 64;
/** Requests looked at at the same time; the others wait their turn, so that a flood of them holds no memory but its keys. */
const MAX_RUNNING = 64;

export function createDriver(deps: Omit<PipelineDeps, "wake">, options: DriverOptions): Driver {
  const slots = new Map<RequestKey, Slot>();
  /** Keys whose turn has not come. */
  const due = new Set<RequestKey>();
  let running = 0;
  let isStarting = false;
  const requeueing = new Set<RequestKey>();
  /** In the order in which they had their last turn. */
  const repeats = new Map<RequestKey, { at: number; doublings: number }>();
  const roundMs = options.repeatMs / 2;
  /** Messages that went out until the last round of repeats, and those that it said again. */
  let publishedBefore = 0;
  let repeated = 0;
  let stopped = false;
  const pipeline: PipelineDeps = { ...deps, wake };

  function wake(key: RequestKey, at?: number): void {
    if (stopped) return;
    const slot = slots.get(key) ?? { running: null, again: false, timer: null, timerAt: 0 };
    slots.set(key, slot);
    const delay = at === undefined ? 0 : at - deps.now();
    if (delay > 0) {
      if (slot.timer !== null && slot.timerAt <= (at ?? 0)) return;
      if (slot.timer !== null) clearTimeout(slot.timer);
      slot.timerAt = at ?? 0;
      slot.timer = setTimeout(() => {
        slot.timer = null;
        wake(key);
      }, delay);
      return;
    }
    if (slot.running !== null) slot.again = true;
    else {
      due.add(key);
      startSoon();
    }
  }

  /** Messages come many at once, and each wakes: they are looked at together, when all of this turn are heard. */
  function startSoon(): void {
    if (isStarting) return;
    isStarting = true;
    setImmediate(() => {
      isStarting = false;
      startNext();
    });
  }

  function start(key: RequestKey, slot: Slot): void {
    due.delete(key);
    running += 1;
    slot.running = run(key, slot).finally(() => {
      running -= 1;
      startNext();
    });
  }

  function startNext(): void {
    for (const key of due) {
      if (stopped || running >= MAX_RUNNING) return;
      const slot = slots.get(key);
      due.delete(key);
      if (slot?.running === null) start(key, slot);
    }
  }

  async function run(key: RequestKey, slot: Slot): Promise<void> {
    try {
      do {
        slot.again = false;
        await advance(pipeline, key);
      } while (slot.again && !stopped);
    } catch (error) {
      slot.running = null;
      return tryAgain(key, error);
    }
    slot.running = null;
    try {
      keepOrForget(key, slot, await deps.store.request(key));
    } catch (error) {
      tryAgain(key, error);
    }
  }

  function tryAgain(key: RequestKey, error: unknown): void {
    deps.log.error({ key, err: error }, "a step failed; trying again");
    wake(key, deps.now() + RETRY_MS);
  }

  function keepOrForget(key: RequestKey, slot: Slot, record: RequestRecord | null): void {
    if (record !== null && isOpen(record.state)) {
      if (!repeats.has(key)) repeats.set(key, { at: deps.now() + options.repeatMs, doublings: 0 });
    } else if (slot.running === null && slot.timer === null && !due.has(key)) {
      slots.delete(key);
      repeats.delete(key);
    }
  }

  /**
   * Gossip may lose a message, and a peer may have been away: what we said is said again while it can matter. A queue may
   * have forgotten a job; one that it has is left alone. What a request has been waiting for so long is written down.
   * Whoever has no turn for want of a budget is the first in the next round. When saying our own part once more was not enough,
   * the request is looked at again, whatever kept it from being woken, and what others said is passed on with what is left
   * of the budget.
   */
  async function repeat(): Promise<void> {
    const now = deps.now();
    const overdue = [...repeats].filter(([, { at }]) => at <= now);
    if (overdue.length === 0) return;
    let budget = repeatBudget();
    // Not waited for one by one, so that they go out together.
    const sent: Promise<void>[] = [];
    const sayAgain = (messages: readonly PeerMessage[]) => {
      budget -= messages.length;
      repeated += messages.length;
      sent.push(...messages.map((message) => deps.peers.publish(message)));
    };
    const stuck: RequestKey[] = [];
    for (const [key, due] of overdue) {
      if (stopped || budget <= 0) break;
      const record = await deps.store.request(key);
      repeats.delete(key);
      if (record === null || !isOpen(record.state)) continue;
      const doublings = Math.min(due.doublings + 1, REPEAT_DOUBLINGS);
      // Behind all others, so that each has its turn.
      repeats.set(key, { at: now + options.repeatMs * 2 ** doublings, doublings });
      if (record.state === "queued") void requeue(record);
      const said = (await deps.store.statements(key)).map(({ message }) => message);
      sayAgain(worthRepeating(said));
      if (due.doublings > 0) {
        stuck.push(key);
        wake(key);
      }
      const reason = deps.waiting.get(key);
      if (reason !== undefined && reason !== record.reason) {
        await deps.store.transition(key, [record.state], record.state, { reason });
      }
    }
    for (const key of stuck) {
      if (budget <= 0) break;
      const heard = (await deps.store.peerMessages(key)).map(({ message }) => message);
      sayAgain(worthPassingOn(deps.me, heard));
    }
    await Promise.all(sent);
  }

  /**
   * How many messages may be said again in this round: no more than were new since the last one, but for a few. When
   * requests take long because everybody is busy, all of them would be repeated, and everybody busier.
   */
  function repeatBudget(): number {
    const { published } = deps.peers.traffic();
    const fresh = published - publishedBefore - repeated;
    publishedBefore = published;
    repeated = 0;
    return Math.max(fresh, (FREE_REPEATS_PER_SECOND * roundMs) / 1_000);
  }

  /** Not waited for: a queue that is down must not keep us from following the chain. */
  async function requeue(record: RequestRecord): Promise<void> {
    if (requeueing.has(record.key)) return;
    requeueing.add(record.key);
    try {
      await enqueue(pipeline, record);
    } catch (error) {
      deps.log.error({ key: record.key, err: error }, "a job could not be queued again; trying again");
      if (!stopped) setTimeout(() => void requeue(record), RETRY_MS);
    } finally {
      requeueing.delete(record.key);
    }
  }

  let repeating: Promise<void> = Promise.resolve();
  const ticker = setInterval(() => {
    repeating = repeating
      .then(repeat)
      .catch((error: unknown) => deps.log.error({ err: error }, "repeating our messages failed"));
  }, roundMs);

  return {
    wake,
    async requeue(key) {
      const record = await deps.store.request(key);
      if (record?.state === "queued") await requeue(record);
    },
    async resume() {
      for (const record of await deps.store.requests({ states: [...OPEN_STATES, "proposed"] })) {
        if (record.state === "queued") {
          resumeJob(pipeline, record);
          void requeue(record);
        }
        wake(record.key);
      }
      // One that nobody decided in time may still be ours to end.
      const undecided = await deps.store.requests({ about: "disputes", states: ["expired", "parked"] });
      for (const { key, verdict } of undecided) if (verdict === null) wake(key);
    },
    async stop() {
      stopped = true;
      clearInterval(ticker);
      for (const slot of slots.values()) if (slot.timer !== null) clearTimeout(slot.timer);
      await repeating;
      await Promise.all([...slots.values()].map((slot) => slot.running));
    },
  };
}
