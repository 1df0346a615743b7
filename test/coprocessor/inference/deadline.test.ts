import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Deadline } from "../../../coprocessor/inference/deadline.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** When it passed, in milliseconds from the start. */
function start() {
  const startMs = performance.now();
  const passed: number[] = [];
  const deadline = new Deadline(() => passed.push(performance.now() - startMs));
  return { passed, set: (inMs: number) => deadline.set(performance.now() + inMs), deadline };
}

test("deadline: passes once", () => {
  const { passed, set } = start();
  set(100);
  vi.advanceTimersByTime(99);
  expect(passed).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(passed).toEqual([100]);
});

test("deadline: can be moved to later and to sooner", () => {
  const { passed, set } = start();
  set(100);
  vi.advanceTimersByTime(50);
  set(100);
  vi.advanceTimersByTime(99);
  expect(passed).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(passed).toEqual([150]);
  set(500);
  set(20);
  vi.advanceTimersByTime(1_000);
  expect(passed).toEqual([150, 170]);
});

test("deadline: does not pass once it is cleared, and can be set again", () => {
  const { passed, set, deadline } = start();
  set(100);
  deadline.clear();
  vi.advanceTimersByTime(90);
  set(100);
  vi.advanceTimersByTime(1_000);
  expect(passed).toEqual([190]);
});

test("deadline: setting and clearing it again and again starts one timer", () => {
  const { set, deadline } = start();
  for (let at = 0; at < 1_000; at += 1) {
    set(100 + at);
    deadline.clear();
  }
  expect(vi.getTimerCount()).toBe(1);
  deadline.stop();
  expect(vi.getTimerCount()).toBe(0);
});
