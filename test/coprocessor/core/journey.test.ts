import type { Hex } from "viem";
import { describe, expect, test } from "vitest";
import { Journeys, type Traveller } from "../../../coprocessor/core/journey.ts";

const traveller = (name: string): Traveller => ({
  key: name,
  requestId: `0x${name}`,
  modelId: "0xm" as Hex,
  openedAt: 1_000,
});

describe("a request's way", () => {
  test("each part lasts from one change of state to the next, and they add up to the whole", () => {
    const journeys = new Journeys();
    const legs = [journeys.begin(traveller("a"), 1_400)];
    const states = ["queued", "computed", "committed", "revealed", "attested", "settled"] as const;
    for (const [index, state] of states.entries()) {
      const leg = journeys.moved("a", state, 1_500 + 100 * index);
      if (leg !== null) legs.push(leg);
    }
    expect(legs.map(({ stage }) => stage)).toEqual([
      { name: "draw", from: 1_000, to: 1_400 },
      { name: "admission", from: 1_400, to: 1_500 },
      { name: "run", from: 1_500, to: 1_600 },
      { name: "commit", from: 1_600, to: 1_700 },
      { name: "reveal", from: 1_700, to: 1_800 },
      { name: "attest", from: 1_800, to: 1_900 },
      { name: "settle", from: 1_900, to: 2_000 },
    ]);
    expect(legs.map(({ over }) => over)).toEqual([null, null, null, null, null, null, "settled"]);
    expect(journeys.size).toBe(0);
  });

  test("a challenge window is a part of its own", () => {
    const journeys = new Journeys();
    journeys.begin(traveller("a"), 1_000);
    journeys.moved("a", "attested", 2_000);
    expect(journeys.moved("a", "proposed", 3_000)?.stage).toEqual({
      name: "propose",
      from: 2_000,
      to: 3_000,
    });
    expect(journeys.moved("a", "settled", 9_000)).toMatchObject({
      stage: { name: "finalize", from: 3_000, to: 9_000 },
      over: "settled",
    });
  });

  test("a change that is none, and a request that is not followed, tell nothing", () => {
    const journeys = new Journeys();
    expect(journeys.moved("a", "queued", 1)).toBeNull();
    journeys.begin(traveller("a"), 1_000);
    expect(journeys.moved("a", "waiting", 2_000)).toBeNull();
  });

  test("what was begun before the start is followed, without a part whose beginning nobody saw", () => {
    const journeys = new Journeys();
    journeys.resume(traveller("a"));
    expect(journeys.moved("a", "committed", 5_000)?.stage).toBeNull();
    expect(journeys.moved("a", "revealed", 6_000)?.stage).toEqual({ name: "reveal", from: 5_000, to: 6_000 });
    // Followed already: nothing starts anew.
    journeys.resume(traveller("a"));
    expect(journeys.moved("a", "attested", 7_000)?.stage).toEqual({ name: "attest", from: 6_000, to: 7_000 });
  });

  test("a parked request that is taken up again begins again", () => {
    const journeys = new Journeys();
    journeys.begin(traveller("a"), 1_000);
    expect(journeys.moved("a", "parked", 2_000)).toMatchObject({ stage: null, over: "parked" });
    journeys.resume(traveller("a"));
    expect(journeys.moved("a", "waiting", 3_000)).toMatchObject({ stage: null, over: null });
    expect(journeys.moved("a", "queued", 3_100)?.stage).toEqual({
      name: "admission",
      from: 3_000,
      to: 3_100,
    });
  });

  test("a block from the future counts as now", () => {
    const early = new Journeys().begin(traveller("a"), 400);
    expect(early.stage).toEqual({ name: "draw", from: 400, to: 400 });
  });

  test("a flood holds no more than the bound, and the oldest are forgotten", () => {
    const journeys = new Journeys(3);
    for (const name of ["a", "b", "c", "d"]) journeys.begin(traveller(name), 1_000);
    expect(journeys.size).toBe(3);
    expect(journeys.moved("a", "queued", 2_000)).toBeNull();
    expect(journeys.moved("b", "queued", 2_000)?.stage?.name).toBe("admission");
  });
});
