import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Loop, startLoop } from "../../../coprocessor/pipeline/loop.ts";
import { collectedLog } from "../collectedLog.ts";

/** Of the fake clock, when runs began. */
let began: number[];
let loops: Loop[];

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  [began, loops] = [[], []];
});

afterEach(async () => {
  const stopping = Promise.all(loops.map((loop) => loop.stop()));
  await vi.advanceTimersByTimeAsync(1_000);
  await stopping;
  vi.useRealTimers();
});

/** A task that takes `takesMs` and wants to run again after `restsMs`. */
function start(takesMs: number, nextInMs: number, restMs?: number): Loop {
  const task = async () => {
    began.push(Date.now());
    await new Promise((resolve) => setTimeout(resolve, takesMs));
    return Date.now() + nextInMs;
  };
  const loop = startLoop("test", collectedLog(), Date.now, task, restMs);
  loops.push(loop);
  return loop;
}

describe("startLoop", () => {
  it("run at once, and again when its last run asked for it", async () => {
    start(10, 500);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(began).toEqual([0, 510, 1_020]);
  });

  it("poked: run now, and once more for all that came while it ran", async () => {
    const loop = start(10, 10_000);
    await vi.advanceTimersByTimeAsync(100);
    for (let time = 0; time < 3; time++) loop.poke();
    await vi.advanceTimersByTimeAsync(100);
    expect(began).toEqual([0, 100, 110]);
  });

  it("rested: however often it is poked, one run for what came meanwhile", async () => {
    const loop = start(10, 10_000, 100);
    for (let ms = 0; ms < 290; ms += 10) {
      await vi.advanceTimersByTimeAsync(10);
      loop.poke();
    }
    await vi.advanceTimersByTimeAsync(500);
    expect(began).toEqual([0, 100, 200, 300]);
  });

  it("rested already: poked after a pause, it runs at once", async () => {
    const loop = start(10, 10_000, 100);
    await vi.advanceTimersByTimeAsync(400);
    loop.poke();
    expect(began).toEqual([0, 400]);
  });

  it("a clock that was set back keeps nobody waiting longer than the rest", async () => {
    vi.setSystemTime(1_000_000);
    const loop = start(10, 10_000, 100);
    await vi.advanceTimersByTimeAsync(50);
    vi.setSystemTime(0);
    loop.poke();
    await vi.advanceTimersByTimeAsync(100);
    expect(began).toHaveLength(2);
  });

  it("a failure is logged, and does not end it, thrown at once or later", async () => {
    const log = collectedLog();
    let runs = 0;
    const fail = (): Promise<number> => {
      runs += 1;
      if (runs === 1) throw new Error("at once");
      if (runs === 2) return Promise.reject(new Error("later"));
      return Promise.resolve(Date.now() + 60_000);
    };
    loops.push(startLoop("test", log, Date.now, fail));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(runs).toBe(3);
  });

  it("stopped: it waits for the run under way, and starts none any more", async () => {
    const loop = start(10, 5, 100);
    loop.poke();
    const stopped = loop.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    await stopped;
    loop.poke();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(began).toEqual([0]);
  });
});
