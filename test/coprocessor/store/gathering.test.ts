import { expect, test } from "vitest";
import { Gathering } from "../../../coprocessor/store/gathering.ts";

const BAD = -1;

/** Doubles numbers, notes its rounds, and fails for a bad one. */
function doubling(most: number, isOfOne = true) {
  const rounds: number[][] = [];
  const gathering = new Gathering<number, number>({
    async run(items) {
      rounds.push([...items]);
      await new Promise(setImmediate);
      if (items.includes(BAD)) throw new Error("a bad one");
      return items.map((item) => 2 * item);
    },
    most,
    isOfOne: () => isOfOne,
  });
  return { rounds, gathering };
}

test("together: what is asked for in one turn, and what comes while a round runs, each with its own answer", async () => {
  const { rounds, gathering } = doubling(10);
  const first = [gathering.add(1), gathering.add(2)];
  await expect.poll(() => rounds.length).toBe(1);
  const second = [gathering.add(3), gathering.add(4)];
  expect(await Promise.all([...first, ...second])).toEqual([2, 4, 6, 8]);
  expect(rounds).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("many: rounds are bounded, and everybody has an answer, in order", async () => {
  const { rounds, gathering } = doubling(32);
  const items = Array.from({ length: 200 }, (_, index) => index);
  expect(await Promise.all(items.map((item) => gathering.add(item)))).toEqual(items.map((item) => 2 * item));
  expect(Math.max(...rounds.map(({ length }) => length))).toBe(32);
  expect(rounds.flat()).toEqual(items);
});

test("failed: where one may be to blame, the others are done all the same; else it is everybody's", async () => {
  const blaming = doubling(10);
  const answers = await Promise.allSettled([1, BAD, 3].map((item) => blaming.gathering.add(item)));
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);

  const together = doubling(10, false);
  const all = await Promise.allSettled([1, BAD, 3].map((item) => together.gathering.add(item)));
  expect(all.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(together.rounds).toEqual([[1, BAD, 3]]);
  expect(await together.gathering.add(5)).toBe(10);
});
