import { expect, test } from "vitest";
import { WorkerPace } from "../../../coprocessor/core/workerPace.ts";
import { hash } from "../store/fixtures.ts";

const SLOW = hash("slow");
const job = (key: string, deadlineMs = 1_000, modelId = SLOW) => ({ key, modelId, deadlineMs });
/** A worker that has seen one run of the slow model, of 300 ms. */
const worker = (lanes = 1) => {
  const pace = new WorkerPace(lanes);
  pace.end(job("first"), 300);
  return pace;
};

test("tried: a job of a model that has not run here, as long as its deadline has not passed", () => {
  const pace = new WorkerPace(1);
  expect(pace.lateness(job("a"), 999)).toBeNull();
  expect(pace.lateness(job("a"), 1_001)).toEqual({ neededMs: 0, leftMs: -1 });
});

test("refused: a job that takes longer than is left", () => {
  const pace = worker();
  expect(pace.lateness(job("a"), 700)).toBeNull();
  expect(pace.lateness(job("a"), 701)).toEqual({ neededMs: 300, leftMs: 299 });
});

test("refused: a job that would wait too long behind others; those that run count nothing", () => {
  const pace = worker();
  for (const key of ["runs", "waits", "waits too"]) pace.begin(job(key));
  expect(pace.lateness(job("a"), 100)).toBeNull();
  expect(pace.lateness(job("a"), 101)).toEqual({ neededMs: 900, leftMs: 899 });
  pace.end(job("runs"), null);
  expect(pace.lateness(job("a"), 400)).toBeNull();

  const two = worker(2);
  for (const key of ["runs", "runs too", "waits", "waits too"]) two.begin(job(key));
  expect(two.lateness(job("a"), 400)).toBeNull();
  expect(two.lateness(job("a"), 401)).toMatchObject({ neededMs: 600 });
});

test("learned: newer runs weigh more, and failed ones nothing", () => {
  const pace = worker();
  pace.end(job("a"), null);
  expect(pace.meanMs(SLOW)).toBe(300);
  for (let run = 0; run < 20; run++) pace.end(job("a"), 100);
  expect(pace.meanMs(SLOW)).toBeGreaterThan(100);
  expect(pace.meanMs(SLOW)).toBeLessThan(105);
});
