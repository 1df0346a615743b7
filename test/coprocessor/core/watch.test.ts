import { encodeClassification, toWad } from "@sibyl/sdk";
import { describe, expect, it } from "vitest";
import {
  judgeProposal,
  nextWatches,
  reasonNotToWatch,
  type WatchRecord,
} from "../../../coprocessor/core/watch.ts";

const watch = (key: string, windowEndsAt: number): WatchRecord => ({
  key,
  state: "pending",
  windowEndsAt,
  output: null,
  proposedOutput: null,
  reason: null,
  createdAt: 0,
  updatedAt: 0,
});

describe("what is watched", () => {
  const view = { me: 3, signers: 1n << 224n, judged: true, sampled: true, serves: true };

  it("watched: what others signed, a jury would judge, and our sample holds", () => {
    expect(reasonNotToWatch(view)).toBeNull();
  });

  it("left: what we signed, what nobody would judge, what we do not run, and what is not in the sample", () => {
    expect(reasonNotToWatch({ ...view, me: 1 })).toBe("we signed it");
    expect(reasonNotToWatch({ ...view, judged: false })).toBe("its arbiter is no jury");
    expect(reasonNotToWatch({ ...view, serves: false })).toBe("we do not run its model");
    expect(reasonNotToWatch({ ...view, sampled: false })).toBe("not in our sample");
  });

  it("judged: under the model's profile, with where they differ", () => {
    const profile = { kind: "tolerance", abs: "0.001", rel: "0" } as const;
    const rule = { codec: "classification", profile } as const;
    const output = (confidence: number) => encodeClassification({ label: 1, confidence: toWad(confidence) });
    expect(judgeProposal(rule, output(0.5), output(0.5009))).toEqual({ state: "agrees", reason: null });
    const wrong = judgeProposal(rule, output(0.5), output(0.75));
    expect(wrong.state).toBe("disagrees");
    expect(wrong.reason).toMatch(/confidence differs by 0\.25 /);
  });
});

describe("places in the queue", () => {
  const of = { maxRunning: 2, marginMs: 10_000, chainNow: 100_000 };

  it("given: to the windows that end first, as many as are free", () => {
    const waiting = [watch("c", 140), watch("a", 120), watch("b", 130)];
    expect(nextWatches(waiting, of).run.map(({ key }) => key)).toEqual(["a", "b"]);
    const running = { ...watch("r", 150), state: "running" as const };
    expect(nextWatches([running, ...waiting], of).run.map(({ key }) => key)).toEqual(["a"]);
    expect(nextWatches([running, running, ...waiting], of).run).toEqual([]);
  });

  it("skipped: what cannot be challenged in time any more", () => {
    const { run, skip } = nextWatches([watch("late", 109), watch("just", 110)], of);
    expect(run.map(({ key }) => key)).toEqual(["just"]);
    expect(skip.map(({ key }) => key)).toEqual(["late"]);
    // A late one that runs gives its place to the next.
    const stuck = { ...watch("stuck", 100), state: "running" as const };
    expect(nextWatches([stuck, watch("a", 120)], { ...of, maxRunning: 1 }).run).toHaveLength(1);
  });
});
