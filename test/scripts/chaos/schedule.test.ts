import { describe, expect, test } from "vitest";
import { DEEPEST_REORG, ENDPOINTS, planStorm, RPC_FAULTS } from "../../../scripts/chaos/schedule.ts";

describe("a storm's schedule", () => {
  test("follows from its seed, and another seed gives another", () => {
    expect(planStorm(7, 100)).toEqual(planStorm(7, 100));
    expect(planStorm(8, 100)).not.toEqual(planStorm(7, 100));
  });

  test.each([1, 2, 3, 4, 5])("of 300 requests has every kind of fault (seed %s)", (seed) => {
    const { asks, faults, stormMs } = planStorm(seed, 300);
    expect(asks).toHaveLength(300);
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(15);
    const rpc = faults.flatMap((fault) => (fault.kind === "rpc" ? [fault] : []));
    expect(new Set(rpc.map(({ fault }) => fault))).toEqual(new Set(RPC_FAULTS));
    expect(rpc.every(({ node, endpoint }) => endpoint < (ENDPOINTS[node] ?? 0))).toBe(true);
    const times = [...asks, ...faults].map(({ atMs }) => atMs);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...times)).toBeLessThanOrEqual(stormMs);
  });

  test("reorgs stay within the storm's own blocks and within the deepest that is promised", () => {
    for (let seed = 0; seed < 50; seed++) {
      for (const fault of planStorm(seed, 300).faults) {
        if (fault.kind !== "reorg" && fault.kind !== "rollback") continue;
        expect(fault.depth).toBeGreaterThanOrEqual(1);
        expect(fault.depth).toBeLessThanOrEqual(DEEPEST_REORG);
        expect(fault.depth).toBeLessThanOrEqual(Math.max(1, fault.atMs / 1_000));
      }
    }
  });
});
