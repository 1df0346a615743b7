import { expect, test } from "vitest";
import { measureClasses } from "../../../scripts/models/heldOut/classification.ts";
import { worseThan } from "../../../scripts/models/heldOut/figures.ts";
import { editDistance } from "../../../scripts/models/heldOut/ocrLine.ts";
import { areaUnderCurve } from "../../../scripts/models/heldOut/ranking.ts";

const stated = { heldOut: { rows: 30, accuracy: 0.93, ece: 0.08 } };

test("as stated: nothing to say, also when it is better", () => {
  expect(worseThan(stated, { heldOut: { rows: 30, accuracy: 0.93, ece: 0.08 } }, 0)).toEqual([]);
  expect(worseThan(stated, { heldOut: { rows: 30, accuracy: 0.99, ece: 0.01 } }, 0)).toEqual([]);
});

test("worse: is named, in the direction that the figure has, beyond the tolerance", () => {
  const measured = { heldOut: { accuracy: 0.928, ece: 0.082 } };
  expect(worseThan(stated, measured, 0)).toEqual([
    "heldOut.accuracy is 0.928, the manifest says 0.93",
    "heldOut.ece is 0.082, the manifest says 0.08",
  ]);
  expect(worseThan(stated, measured, 0.003)).toEqual([]);
});

test("other data: is named whatever the tolerance", () => {
  expect(worseThan(stated, { heldOut: { rows: 29 } }, 1)).toEqual([
    "heldOut.rows is 29, the manifest says 30",
  ]);
});

test("figures that no manifest states: are named", () => {
  expect(worseThan(undefined, { heldOut: { accuracy: 1 } }, 0)).toEqual([
    "heldOut.accuracy is 1, the manifest does not state it",
  ]);
});

test("a figure that is no number: is worse than any", () => {
  expect(worseThan({ heldOut: { accuracy: 0.5 } }, { heldOut: { accuracy: Number.NaN } }, 0.003)).toEqual([
    "heldOut.accuracy is NaN, the manifest says 0.5",
  ]);
});

test("edit distance: insertions, deletions and replacements count one each", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("same", "same")).toBe(0);
});

test("area under the curve: ties count half", () => {
  expect(areaUnderCurve([0.1, 0.4, 0.35, 0.8], [false, false, true, true])).toBe(0.75);
  expect(areaUnderCurve([1, 1, 1, 1], [true, false, true, false])).toBe(0.5);
});

test("calibration error: the gap between confidence and truth", () => {
  const verdict = (label: number, confidence: number) => ({ label, confidence, scores: [] });
  expect(measureClasses([0, 1], [verdict(0, 0.95), verdict(0, 0.95)])).toEqual({
    rows: 2,
    accuracy: 0.5,
    ece: 0.45,
  });
});
