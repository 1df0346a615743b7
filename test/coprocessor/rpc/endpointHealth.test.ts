import { expect, it } from "vitest";
import { byPreference, EndpointHealth } from "../../../coprocessor/rpc/endpointHealth.ts";

const endpoints = () =>
  ["first", "second", "third"].map((name) => ({ name, health: new EndpointHealth() })) as [
    { name: string; health: EndpointHealth },
    { name: string; health: EndpointHealth },
    { name: string; health: EndpointHealth },
  ];
const order = (all: ReturnType<typeof endpoints>, nowMs: number) =>
  byPreference(all, nowMs).map(({ name }) => name);

/** Twenty answers of this latency, the last one at `nowMs`. */
function answers(health: EndpointHealth, latencyMs: number, nowMs: number): void {
  for (let call = 20; call >= 0; call -= 1) health.succeeded(latencyMs, nowMs - call);
}

it("the operator's order: kept while all work about alike", () => {
  const all = endpoints();
  answers(all[0].health, 180, 1_000);
  answers(all[1].health, 100, 1_000);
  expect(order(all, 1_000)).toEqual(["first", "second", "third"]);
});

it("slow: an endpoint that takes more than twice as long as the best goes to the end", () => {
  const all = endpoints();
  answers(all[0].health, 900, 1_000);
  answers(all[1].health, 100, 1_000);
  // The third was never asked and is presumed to take 250 ms: slower than the second, faster than the first.
  expect(order(all, 1_000)).toEqual(["second", "third", "first"]);
});

it("fast: differences of a few milliseconds change nothing", () => {
  const all = endpoints();
  answers(all[0].health, 19, 1_000);
  answers(all[1].health, 1, 1_000);
  expect(order(all, 1_000)[0]).toBe("first");
});

it("failing: it rests for a second, twice as long each time, at most 30 s", () => {
  const health = new EndpointHealth();
  const rests: number[] = [];
  let nowMs = 0;
  for (let failure = 0; failure < 7; failure += 1) {
    health.failed(nowMs);
    // Calls that failed together count once.
    health.failed(nowMs);
    rests.push(health.restMs);
    nowMs += health.restMs;
  }
  expect(rests).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  health.succeeded(10, nowMs);
  health.failed(nowMs + 1);
  expect(health.restMs).toBe(1_000);
});

it("resting: asked last, the earliest to wake first", () => {
  const all = endpoints();
  all[0].health.failed(0);
  all[0].health.failed(1_000);
  all[1].health.failed(1_000);
  expect(order(all, 1_500)).toEqual(["third", "second", "first"]);
});

it("unreliable: an endpoint that fails every other call loses its place though it is fast", () => {
  const all = endpoints();
  let nowMs = 0;
  for (let call = 0; call < 20; call += 1) {
    all[0].health.failed(nowMs);
    nowMs += 31_000;
    all[0].health.succeeded(50, nowMs);
    all[1].health.succeeded(60, nowMs);
  }
  expect(order(all, nowMs)[0]).toBe("second");
});

it("forgotten: after five minutes without a call a slow endpoint is tried again", () => {
  const all = endpoints();
  answers(all[0].health, 5_000, 1_000);
  answers(all[1].health, 200, 1_000);
  expect(order(all, 2_000)[0]).toBe("second");
  answers(all[1].health, 200, 302_000);
  expect(order(all, 302_000)[0]).toBe("first");
});
