import fc from "fast-check";
import { expect, it } from "vitest";
import { agreementOf } from "../../../coprocessor/rpc/agreement.ts";

const said = (...values: unknown[]) => values.map((value, index) => ({ endpoint: `e${index}`, value }));

it("agreed: a quorum says the same, bigints and fields included", () => {
  expect(agreementOf(said({ n: 1n, h: "0x1" }, { n: 1n, h: "0x1" }), 2, false)).toEqual({
    type: "agreed",
    value: { n: 1n, h: "0x1" },
    dissent: [],
  });
});

it("agreed: who says something else is named, who has nothing is not", () => {
  expect(agreementOf(said("a", "b", "a", null), 2, true)).toEqual({
    type: "agreed",
    value: "a",
    dissent: ["e1"],
  });
});

it("open: too few answers, and others can be asked", () => {
  expect(agreementOf(said("a"), 2, false)).toEqual({ type: "open" });
  expect(agreementOf(said("a", "b"), 2, false)).toEqual({ type: "open" });
});

it("disagreement: all were asked and none reaches the quorum", () => {
  expect(agreementOf(said("a", "b"), 2, true)).toEqual({ type: "disagreement", groups: [["e0"], ["e1"]] });
});

it("nothing there: agreed only if all who answer say so", () => {
  expect(agreementOf(said(null, null), 2, true)).toMatchObject({ type: "agreed", value: null });
  expect(agreementOf(said(null, null, "a"), 2, true)).toEqual({ type: "open" });
});

it("a value that fewer than the quorum gave is never believed", () => {
  const values = fc.array(fc.constantFrom("a", "b", "c", null), { maxLength: 8 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 5 }), fc.boolean(), (all, quorum, exhausted) => {
      const result = agreementOf(said(...all), quorum, exhausted);
      if (result.type !== "agreed") return;
      expect(all.filter((value) => value === result.value).length).toBeGreaterThanOrEqual(quorum);
    }),
    { numRuns: 2_000 },
  );
});
