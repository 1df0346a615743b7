import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Capacity,
  decideAdmission,
  placeOf,
  type TakenJob,
} from "../../../coprocessor/core/admission.ts";
import { LAST_PRIORITY, queuePriority } from "../../../coprocessor/core/queuePriority.ts";

const NOW = 1_700_000_000_000;
const ONE_LANE: Capacity = { lanes: 1, held: 1, maxJobs: 100 };

const job = (key: string, patch: Partial<TakenJob> = {}): TakenJob => ({
  key,
  priority: 10,
  workMs: 1_000,
  latestEndAt: NOW + 10_000,
  ...patch,
});

describe("decideAdmission", () => {
  it("taken: an idle worker, and time enough", () => {
    expect(decideAdmission(job("a"), [], ONE_LANE, NOW)).toEqual({
      type: "take",
      endAt: NOW + 1_000,
      insertAt: 0,
    });
  });

  it("declined: a run takes longer than what is left, and waiting does not help", () => {
    const late = job("a", { workMs: 3_000, latestEndAt: NOW + 2_000 });
    expect(decideAdmission(late, [], ONE_LANE, NOW)).toEqual({
      type: "decline",
      code: "admission/deadline-too-close",
      reason: "one run takes about 3000 ms, and 2000 ms are left for it",
      retryAt: null,
    });
  });

  it("declined: the jobs before it take too long; it asks again", () => {
    const taken = [1, 2, 3].map((n) => job(`${n}`, { latestEndAt: NOW + 60_000 }));
    const decision = decideAdmission(job("a", { latestEndAt: NOW + 3_500 }), taken, ONE_LANE, NOW);
    expect(decision).toMatchObject({
      code: "admission/backlog-too-long",
      reason: "3 jobs run before it; it would end 500 ms too late",
      retryAt: NOW + 625,
    });
    const twoLanes = { ...ONE_LANE, lanes: 2 };
    expect(decideAdmission(job("a", { latestEndAt: NOW + 3_500 }), taken, twoLanes, NOW).type).toBe("take");
  });

  it("declined: an urgent job that would push another one past its deadline", () => {
    const taken = [job("held"), job("tight", { priority: 20, latestEndAt: NOW + 2_500 })];
    expect(decideAdmission(job("a", { priority: 5 }), taken, ONE_LANE, NOW)).toMatchObject({
      code: "admission/would-delay-others",
      reason: "it would make a job late that was taken before: tight",
    });
  });

  it("declined: the queue is bounded, however much time there is", () => {
    const taken = [job("1"), job("2")];
    const far = job("a", { latestEndAt: NOW + 1e9 });
    expect(decideAdmission(far, taken, { ...ONE_LANE, maxJobs: 2 }, NOW)).toMatchObject({
      code: "admission/queue-full",
    });
  });

  it("taken: a job that is late already holds up nobody", () => {
    const taken = [job("held", { workMs: 5_000, latestEndAt: NOW + 1_000 })];
    expect(decideAdmission(job("a"), taken, ONE_LANE, NOW).type).toBe("take");
  });
});

/** One job that turns up while others are open. */
interface Arrival {
  afterMs: number;
  workMs: number;
  /** How much of the counted time it really takes. */
  part: number;
  slackMs: number;
  urgency: number;
}

/**
 * What workers do: they hold the `held` most urgent jobs, start them in the order in which they took them, and take the next
 * one when one of those ended.
 */
class Workers {
  now = NOW;
  readonly ended = new Map<string, number>();
  readonly #waiting: (TakenJob & { realMs: number })[] = [];
  readonly #held: (TakenJob & { realMs: number })[] = [];
  readonly #running: { key: string; endAt: number }[] = [];
  readonly #capacity: Capacity;

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  add(one: TakenJob & { realMs: number }): void {
    this.#waiting.push(one);
    this.#fill();
  }

  /** @returns keys of the jobs that ended. */
  runUntil(time: number): string[] {
    const ended: string[] = [];
    for (;;) {
      const next = this.#running.toSorted((a, b) => a.endAt - b.endAt)[0];
      if (next === undefined || next.endAt > time) break;
      this.now = next.endAt;
      this.#running.splice(this.#running.indexOf(next), 1);
      this.ended.set(next.key, next.endAt);
      ended.push(next.key);
      this.#fill();
    }
    this.now = Math.max(this.now, time);
    return ended;
  }

  #fill(): void {
    const { lanes, held } = this.#capacity;
    for (;;) {
      while (this.#held.length + this.#running.length < held && this.#waiting.length > 0) {
        const lowest = Math.min(...this.#waiting.map(({ priority }) => priority));
        const index = this.#waiting.findIndex(({ priority }) => priority === lowest);
        this.#held.push(...this.#waiting.splice(index, 1));
      }
      if (this.#running.length >= lanes || this.#held.length === 0) return;
      const { key, realMs } = this.#held.shift() as TakenJob & { realMs: number };
      this.#running.push({ key, endAt: this.now + realMs });
    }
  }
}

const arrivals = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 800 }),
    workMs: fc.integer({ min: 1, max: 1_500 }),
    part: fc.double({ min: 0.05, max: 1, noNaN: true }),
    slackMs: fc.integer({ min: 0, max: 6_000 }),
    urgency: fc.integer({ min: 1, max: 20 }),
  }),
  { minLength: 1, maxLength: 60 },
);
const capacities = fc
  .record({ lanes: fc.integer({ min: 1, max: 4 }), perLane: fc.integer({ min: 1, max: 4 }) })
  .map(({ lanes, perLane }): Capacity => ({ lanes, held: lanes * perLane, maxJobs: 40 }));

/** Offers all jobs, runs those that were taken, and tells when each of them had to end and did. */
function play(all: readonly Arrival[], capacity: Capacity) {
  const workers = new Workers(capacity);
  let taken: TakenJob[] = [];
  const deadlines = new Map<string, number>();
  for (const [index, { afterMs, workMs, part, slackMs, urgency }] of all.entries()) {
    const gone = new Set(workers.runUntil(workers.now + afterMs));
    taken = taken.filter(({ key }) => !gone.has(key));
    const latestEndAt = workers.now + workMs + slackMs;
    const offered = { key: `${index}`, priority: urgency, workMs, latestEndAt };
    const decision = decideAdmission(offered, taken, capacity, workers.now);
    if (decision.type !== "take") continue;
    expect(decision.insertAt).toBe(placeOf(offered, taken, capacity.held));
    taken.splice(decision.insertAt, 0, offered);
    deadlines.set(offered.key, latestEndAt);
    // Whole milliseconds: of a time as large as a clock's, what is left of a fraction is rounded.
    workers.add({ ...offered, realMs: Math.ceil(workMs * part) });
  }
  workers.runUntil(Number.MAX_SAFE_INTEGER);
  return { workers, deadlines };
}

describe("a backlog", () => {
  it("in time: whatever comes later, every job that was taken ends before its deadline", () => {
    fc.assert(
      fc.property(arrivals, capacities, (all, capacity) => {
        const { workers, deadlines } = play(all, capacity);
        for (const [key, latestEndAt] of deadlines)
          expect(workers.ended.get(key)).toBeLessThanOrEqual(latestEndAt);
      }),
      { numRuns: 500 },
    );
  });

  it("no starvation: every taken job ends, and an idle worker takes whatever it can do in time", () => {
    fc.assert(
      fc.property(arrivals, capacities, (all, capacity) => {
        const { workers, deadlines } = play(all, capacity);
        expect([...workers.ended.keys()].sort()).toEqual([...deadlines.keys()].sort());
        for (const { workMs, slackMs, urgency } of all) {
          const alone = job("a", { workMs, priority: urgency, latestEndAt: NOW + workMs + slackMs });
          expect(decideAdmission(alone, [], capacity, NOW).type).toBe("take");
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("queuePriority", () => {
  it("sooner first, and among about equal deadlines the better paid", () => {
    const deadline = 1_700_000_000;
    expect(queuePriority(deadline, 1)).toBeLessThan(queuePriority(deadline + 4, 9));
    expect(queuePriority(deadline, 8)).toBeLessThan(queuePriority(deadline, 4));
    expect(queuePriority(deadline, 2)).toBeLessThan(queuePriority(deadline, 1));
  });

  it("always a priority that the queue takes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.double({ min: 0 }), (deadline, ratio) => {
        const priority = queuePriority(deadline, ratio);
        expect(Number.isInteger(priority) && priority >= 1 && priority <= LAST_PRIORITY).toBe(true);
      }),
    );
  });
});
