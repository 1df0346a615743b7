import { describe, expect, it } from "vitest";
import { Pulse } from "../../../coprocessor/core/pulse.ts";
import { clockFault, type NodeFacts, notReadyReasons } from "../../../coprocessor/core/readiness.ts";
import { RecentFaults } from "../../../coprocessor/core/recentFaults.ts";

const WELL: NodeFacts = {
  draining: false,
  synced: true,
  progress: null,
  tooYoungForMs: 0,
  rpc: { usable: 2, needed: 2 },
  queueFault: null,
  storeFault: null,
  balanceFault: null,
  clockFault: null,
  peers: { others: 2, connected: 1, aloneForMs: 0 },
};

describe("notReadyReasons", () => {
  it("ready: nothing is wrong", () => {
    expect(notReadyReasons(WELL)).toEqual([]);
  });

  it.each<[string, Partial<NodeFacts>, string]>([
    ["it ends", { draining: true }, "node/draining: it finishes what is under way and ends"],
    ["it starts", { synced: false }, "chain/not-caught-up: it has not caught up with the chain yet"],
    [
      "its memory begins",
      { tooYoungForMs: 1_001 },
      "memory/too-young: it may have signed already what opens in the next 2 s, before its memory begins",
    ],
    [
      "too few endpoints answer",
      { rpc: { usable: 1, needed: 2 } },
      "rpc/quorum-lost: 1 RPC endpoints answer, 2 must agree",
    ],
    ["the queue is down", { queueFault: "queue/unavailable: x" }, "queue/unavailable: x"],
    ["the store is full", { storeFault: "store/no-space: y" }, "store/no-space: y"],
    ["the balance is low", { balanceFault: "balance/low: z" }, "balance/low: z"],
    ["the clock is off", { clockFault: "clock/off: t" }, "clock/off: t"],
    [
      "nobody is heard",
      { peers: { others: 2, connected: 0, aloneForMs: 30_000 } },
      "peers/none: none of 2 other operators is heard for 30 s",
    ],
  ])("not ready: %s", (_title, change, reason) => {
    expect(notReadyReasons({ ...WELL, ...change })).toEqual([reason]);
  });

  it("ready: the first of several operators, and the only one there is", () => {
    expect(notReadyReasons({ ...WELL, peers: { others: 2, connected: 0, aloneForMs: 29_999 } })).toEqual([]);
    expect(notReadyReasons({ ...WELL, peers: { others: 0, connected: 0, aloneForMs: 1e9 } })).toEqual([]);
  });

  it("not ready: all reasons at once", () => {
    const faults = { draining: true, synced: false, clockFault: "clock/off: t" };
    expect(notReadyReasons({ ...WELL, ...faults }).map((reason) => reason.split(":")[0])).toEqual([
      "node/draining",
      "chain/not-caught-up",
      "clock/off",
    ]);
  });
});

describe("clockFault", () => {
  const fault = (serversAheadMs: number[], chainAheadMs: number | null = null) =>
    clockFault({ serversAheadMs, chainAheadMs }, 30_000);

  it("trusted: nothing contradicts it by more than the bound, or nothing can", () => {
    expect(fault([])).toBeNull();
    expect(fault([30_000, -30_000])).toBeNull();
    expect(fault([], -30_000)).toBeNull();
  });

  it("off: the median of the servers says so, and one wrong server does not", () => {
    expect(fault([31_000])).toBe(
      "clock/off: this machine's clock is 31.0 s behind 1 RPC server (at most 30 s)",
    );
    expect(fault([-90_000, -90_000, 500])).toMatch(/is 90\.0 s ahead of 3 RPC servers/);
    expect(fault([-90_000, 200, 500])).toBeNull();
  });

  it("a chain whose time is its own is no fault of ours while servers agree with us", () => {
    expect(fault([100], 86_400_000)).toBeNull();
    expect(fault([], 86_400_000)).toMatch(/behind the chain's newest block; or the chain stands still/);
  });
});

describe("Pulse", () => {
  it("late: a loop that has not turned for too long, and only one that ever did", () => {
    const pulse = new Pulse(1_000);
    pulse.beat("chain", 0);
    pulse.beat("outbox", 500);
    expect(pulse.late(1_000)).toEqual([]);
    expect(pulse.late(1_001)).toEqual(["chain"]);
    pulse.beat("chain", 1_001);
    expect(pulse.late(1_500)).toEqual([]);
    expect(pulse.ages(1_500)).toEqual({ chain: 499, outbox: 1_000 });
  });
});

describe("RecentFaults", () => {
  it("counts all and keeps the latest", () => {
    const faults = new RecentFaults(2);
    for (const reason of ["a", "b", "c"])
      faults.add({ at: 1, code: "chain/malformed-log", reason, where: {} });
    expect(faults.count).toBe(3);
    expect(faults.list().map(({ reason }) => reason)).toEqual(["c", "b"]);
  });
});
