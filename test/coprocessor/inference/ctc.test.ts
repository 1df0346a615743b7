import { expect, test } from "vitest";
import { readCtc } from "../../../coprocessor/inference/ctc.ts";
import type { RawTensor } from "../../../coprocessor/inference/messages.ts";

const SYMBOLS = ["a", "b", " "];
/** Each step's likeliest class, with its probability. */
const line = (...steps: [best: number, probability: number][]): RawTensor => ({
  type: "float32",
  dims: [1, steps.length, 4],
  data: Float32Array.from(
    steps.flatMap(([best, probability]) =>
      Array.from({ length: 4 }, (_, at) => (at === best ? probability : (1 - probability) / 3)),
    ),
  ),
});

test("reading: repetitions once, blanks apart, spaces inside only", () => {
  const steps = [3, 1, 1, 0, 1, 3, 2, 2, 0, 3].map((best): [number, number] => [best, 0.9]);
  expect(readCtc(line(...steps), SYMBOLS, 0.5)).toBe("aa b");
});

test("equal probabilities: the lowest class counts", () => {
  expect(readCtc(line([0, 0.25]), SYMBOLS, 0)).toBe("");
});

test("confidence: a line below the mean reads as empty, blanks do not count", () => {
  const doubtful = line([1, 0.9], [0, 0.99], [2, 0.4], [0, 0.99]);
  expect(readCtc(doubtful, SYMBOLS, 0.64)).toBe("ab");
  expect(readCtc(doubtful, SYMBOLS, 0.66)).toBe("");
});

test("what is no row of probabilities of these symbols: is refused", () => {
  expect(() => readCtc(line([1, 0.9]), ["a"], 0)).toThrow(/float32\[1,1,4\], float32\[1,steps,2\] wanted/);
  expect(() => readCtc(line([1, Number.NaN]), SYMBOLS, 0)).toThrow(/probability of class 0 in step 0 is NaN/);
});
