import { encodeOutput, parseWad } from "@sibyl/sdk";
import { describe, expect, it } from "vitest";
import { disagreements, measureSpread, proposeProfile } from "../../../coprocessor/core/calibration.ts";

const answer = (label: number, confidence: string) =>
  encodeOutput("classification", { label, confidence: parseWad(confidence) });

describe("measureSpread", () => {
  it("equal answers: no spread, and the proposal is exact", () => {
    const run = [answer(0, "0.5"), answer(1, "0.9")];
    const spread = measureSpread("classification", [run, run, run]);
    expect(spread).toEqual({
      inputs: 2,
      settings: 3,
      flips: 0,
      inexact: 0,
      maxAbsWad: 0n,
      maxRelWad: 0n,
    });
    expect(proposeProfile(spread)).toEqual({ kind: "exact" });
  });

  it("gaps: are the widest between any two settings, and the proposal leaves ten times the room", () => {
    const spread = measureSpread("classification", [
      [answer(0, "0.5"), answer(1, "0.9")],
      [answer(0, "0.50001"), answer(1, "0.9")],
      [answer(0, "0.49999"), answer(1, "0.900001")],
    ]);
    expect(spread).toMatchObject({ inexact: 2, flips: 0, maxAbsWad: parseWad("0.00002") });
    expect(spread.maxRelWad).toBe((parseWad("0.00002") * 10n ** 18n) / parseWad("0.50001"));
    expect(proposeProfile(spread)).toEqual({ kind: "tolerance", abs: "0.001", rel: "0" });
  });

  it("flips: are counted apart, because no tolerance covers them", () => {
    const spread = measureSpread("classification", [
      [answer(0, "0.5"), answer(1, "0.9")],
      [answer(1, "0.5"), answer(1, "0.9000001")],
    ]);
    expect(spread).toMatchObject({ inexact: 2, flips: 1, maxAbsWad: parseWad("0.0000001") });
    expect(proposeProfile(spread)).toEqual({ kind: "tolerance", abs: "0.000001", rel: "0" });
    const text = (words: string) => [encodeOutput("text", words)];
    const texts = measureSpread("text", [text("a"), text("b")]);
    expect(proposeProfile(texts)).toEqual({
      kind: "none",
      reason: "1 of 1 inputs differ in what has no distance",
    });
  });
});

describe("disagreements", () => {
  it("counted: inputs on which some setting breaks the manifest's profile", () => {
    const runs = [
      [answer(0, "0.5"), answer(1, "0.9"), answer(0, "0.7")],
      [answer(0, "0.5"), answer(0, "0.9"), answer(0, "0.701")],
    ];
    expect(disagreements("classification", { kind: "exact" }, runs)).toBe(2);
    expect(disagreements("classification", { kind: "tolerance", abs: "0.01", rel: "0" }, runs)).toBe(1);
  });
});
