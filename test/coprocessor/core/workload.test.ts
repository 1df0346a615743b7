import { packRequest, unpackRequest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { feeRatio, inWei, type Prices, refuseFee, shareOfFee } from "../../../coprocessor/core/earnings.ts";
import { ServiceTimes } from "../../../coprocessor/core/serviceTimes.ts";
import { Workload } from "../../../coprocessor/core/workload.ts";
import { hash, RUNTIME } from "../store/fixtures.ts";

const NOW = 1_700_000_000_000;
const MODEL = hash("model");
const OTHER = hash("another model");
const FREE: Prices = { minFees: new Map(), tokenWeiWad: new Map() };

describe("ServiceTimes", () => {
  it("presumes a second for a model that never ran here", () => {
    expect(new ServiceTimes().expectedMs(MODEL, NOW)).toBe(1_000);
  });

  it("follows what runs take, with room for their spread, for each model alone", () => {
    const times = new ServiceTimes();
    for (let run = 0; run < 50; run++) times.observe(MODEL, "cpu", 20, NOW + run);
    expect(times.expectedMs(MODEL, NOW + 50)).toBeCloseTo(20, 0);
    expect(times.expectedMs(OTHER, NOW + 50)).toBe(1_000);
    for (let run = 0; run < 50; run++) times.observe(MODEL, "cpu", run % 2 === 0 ? 10 : 30, NOW + 60);
    expect(times.expectedMs(MODEL, NOW + 60)).toBeGreaterThan(30);
  });

  it("counts the slowest provider, because any may take the next job", () => {
    const times = new ServiceTimes();
    times.observe(MODEL, "cuda", 2, NOW);
    times.observe(MODEL, "cpu", 40, NOW);
    expect(times.expectedMs(MODEL, NOW)).toBe(80);
    expect(times.list(NOW).map(({ provider, expectedMs }) => [provider, expectedMs])).toEqual([
      ["cuda", 4],
      ["cpu", 80],
    ]);
  });

  it("recovers: one unlucky run does not keep jobs away for ever", () => {
    const times = new ServiceTimes();
    times.observe(MODEL, "cpu", 10, NOW);
    times.observe(MODEL, "cpu", 60_000, NOW);
    expect(times.expectedMs(MODEL, NOW)).toBeGreaterThan(10_000);
    expect(times.expectedMs(MODEL, NOW + 20 * 60_000)).toBeLessThan(11);
  });
});

describe("Workload", () => {
  const rules = { capabilities: { ofModel: {} }, lanes: 1, held: 1, maxJobs: 10, marginMs: 0, prices: FREE };
  const offer = (key: string, latestEndAt = NOW + 2_500) => ({
    key,
    priority: 1,
    latestEndAt,
    modelId: MODEL,
  });

  it("counts what was taken until it ended, failed ones too", () => {
    const load = new Workload(() => rules);
    expect(load.take(offer("a"), NOW).type).toBe("take");
    expect(load.take(offer("b"), NOW).type).toBe("take");
    expect(load.backlogMs).toBe(2_000);
    expect(load.take(offer("c"), NOW)).toMatchObject({ code: "admission/backlog-too-long" });
    load.ended("a");
    expect(load.take(offer("c"), NOW).type).toBe("take");
  });

  it("measured runs change what fits", () => {
    const load = new Workload(() => rules);
    for (let run = 0; run < 60; run++)
      load.observe(MODEL, { runMs: 80, runtime: { ...RUNTIME, batch: 8 } }, NOW);
    for (let index = 0; index < 10; index++) expect(load.take(offer(`${index}`), NOW).type).toBe("take");
    expect(load.take(offer("more"), NOW)).toMatchObject({ code: "admission/queue-full" });
  });

  it("after a restart: what was taken before counts, even if it comes too late", () => {
    const load = new Workload(() => rules);
    load.resume(offer("a", NOW), NOW);
    load.resume(offer("b"), NOW);
    load.resume(offer("b"), NOW);
    expect(load.size).toBe(2);
    expect(load.take(offer("c"), NOW)).toMatchObject({ code: "admission/backlog-too-long" });
  });

  it("an oracle that is not served any more keeps no lane from the others", () => {
    const stays = new Workload(() => rules);
    const leaves = new Workload(() => rules, stays);
    stays.take(offer("stays"), NOW);
    leaves.take(offer("taken"), NOW);
    leaves.resume(offer("resumed"), NOW);
    expect(stays.size).toBe(3);
    leaves.leave();
    expect(stays.size).toBe(1);
    expect(stays.draining).toBe(false);
    expect(leaves.take(offer("late"), NOW).type).toBe("drain");
  });

  it("oracles that share workers count each other's jobs and runs, each by its own rules", () => {
    const a = new Workload(() => rules);
    const b = new Workload(() => ({ ...rules, maxJobs: 1 }), a);
    expect(a.take(offer("a"), NOW).type).toBe("take");
    expect(b.size).toBe(1);
    expect(b.take(offer("b"), NOW)).toMatchObject({ code: "admission/queue-full" });
    b.observe(MODEL, { runMs: 80, runtime: { ...RUNTIME, batch: 8 } }, NOW);
    expect(a.times.expectedMs(MODEL, NOW)).toBe(b.times.expectedMs(MODEL, NOW));
    a.drain();
    a.ended("a");
    expect(b.take(offer("b"), NOW).type).toBe("take");
    expect(a.size).toBe(1);
  });

  it("draining: takes nothing more", () => {
    const load = new Workload(() => rules);
    load.drain();
    expect(load.take(offer("a"), NOW)).toEqual({ type: "drain" });
  });

  it("a model with workers of its own waits behind no other", () => {
    const load = new Workload(() => ({ ...rules, capabilities: { ofModel: { [OTHER]: "gpu" } } }));
    for (const key of ["a", "b"]) expect(load.take(offer(key), NOW).type).toBe("take");
    expect(load.take(offer("c"), NOW).type).toBe("decline");
    expect(load.take({ ...offer("d"), modelId: OTHER }, NOW).type).toBe("take");
    expect(load.size).toBe(3);
    expect(load.backlogMs).toBe(2_000);
  });

  it("rules may change while it runs", () => {
    let maxJobs = 0;
    const load = new Workload(() => ({ ...rules, maxJobs }));
    expect(load.take(offer("a"), NOW)).toMatchObject({ code: "admission/queue-full" });
    maxJobs = 1;
    expect(load.take(offer("a"), NOW).type).toBe("take");
  });
});

describe("earnings", () => {
  const empty = unpackRequest({ modelId: MODEL, inputHash: MODEL, terms: 0n, opening: 0n, funds: 0n });
  const request = (patch: Partial<typeof empty>) =>
    unpackRequest(
      packRequest({ ...empty, quorum: 3, fee: 1_000n, royaltyBps: 1_000, protocolBps: 500, ...patch }),
    );

  it("shares a fee as the oracle does: what does not divide is the protocol's", () => {
    // 1000 - 100 - 50 = 850, a third of it rounded down.
    expect(shareOfFee(request({}))).toBe(283n);
  });

  it("a floor for each token, and for a model by name or id before it", () => {
    const minFees = new Map([
      ["native", 300n],
      ["1", 10n],
      ["spam-text/native", 283n],
      [`${OTHER}/native`, 1n],
    ]);
    const prices = { ...FREE, minFees };
    expect(refuseFee(request({}), "iris", prices)).toBe(
      "admission/fee-too-low: a run earns 283 wei, this operator asks for 300",
    );
    expect(refuseFee(request({}), "spam-text", prices)).toBeNull();
    expect(refuseFee(request({ modelId: OTHER as Hex }), "iris", prices)).toBeNull();
    expect(refuseFee(request({ tokenIndex: 1, fee: 30n }), "iris", prices)).toBe(
      "admission/fee-too-low: a run earns 8 units of token 1, this operator asks for 10",
    );
    expect(refuseFee(request({ tokenIndex: 2, fee: 0n }), "iris", prices)).toBeNull();
    expect(feeRatio(request({ fee: 4_000n }), prices)).toBeCloseTo(1_133 / 300, 3);
    expect(feeRatio(request({}), FREE)).toBe(1);
  });

  it("a token is worth what the operator says, and nothing without a word", () => {
    const prices = { ...FREE, tokenWeiWad: new Map([[1, 35n * 10n ** 16n]]) };
    expect(inWei(1_000n, 0, prices)).toBe(1_000n);
    expect(inWei(1_000n, 1, prices)).toBe(350n);
    expect(inWei(1_000n, 2, prices)).toBe(0n);
  });
});
