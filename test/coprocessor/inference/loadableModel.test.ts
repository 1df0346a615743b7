import { expect, test } from "vitest";
import { LoadableModel } from "../../../coprocessor/inference/loadableModel.ts";
import { MAX_JOBS } from "../../../coprocessor/inference/messages.ts";
import { fixture, numbersToNumbers } from "./fixtureModel.ts";

const oneByOne = () => new LoadableModel(fixture("logits", numbersToNumbers), "cpu");
const together = () =>
  new LoadableModel(fixture("logits", { ...numbersToNumbers, batch: { max: 8 } }), "cpu");

test("what nobody has measured goes alone, and is neither short nor tiny", () => {
  const { jobsPerFrame, isShort, isTiny } = oneByOne();
  expect({ jobsPerFrame, isShort, isTiny }).toEqual({ jobsPerFrame: 1, isShort: false, isTiny: false });
});

test("jobs that run one by one share a frame for five milliseconds of work", () => {
  const model = oneByOne();
  model.took(1, 1);
  expect(model.jobsPerFrame).toBe(5);
  expect(model.isShort).toBe(true);
  model.took(99, 1);
  expect(model.jobsPerFrame).toBe(1);
  expect(model.isShort).toBe(false);
});

test("jobs that run together fill their batch, however long they take", () => {
  const model = together();
  expect(model.jobsPerFrame).toBe(8);
  model.took(800, 8);
  expect(model.jobsPerFrame).toBe(8);
  expect(model.isShort).toBe(false);
});

test("tiny is what takes no more than 20 us a job, also after slower ones", () => {
  const model = oneByOne();
  model.took(0.16, 4);
  expect(model.isTiny).toBe(false);
  for (let frame = 0; frame < 8; frame += 1) model.took(0.32, 32);
  expect(model.isTiny).toBe(true);
  expect(model.jobsPerFrame).toBe(MAX_JOBS);
  model.took(1, 32);
  expect(model.isTiny).toBe(false);
});
