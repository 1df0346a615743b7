import { expect } from "vitest";
import type { WatchRecord } from "../../../coprocessor/core/watch.ts";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import { disputeRecord, requestRecord } from "./fixtures.ts";

const watch = (label: string, windowEndsAt: number): WatchRecord => ({
  key: requestRecord(label).key,
  state: "pending",
  windowEndsAt,
  output: null,
  proposedOutput: null,
  reason: null,
  createdAt: 5,
  updatedAt: 5,
});

/** What every store must do with disputes and second looks. */
export function watchConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  fresh("a dispute comes back as it was stored, and is told apart from requests", async () => {
    const { store } = subject();
    const [request, dispute] = [requestRecord("a"), disputeRecord("a")];
    await store.insertRequest(request);
    expect(await store.insertRequest(dispute)).toBe(true);
    expect(await store.request(dispute.key)).toEqual(dispute);
    expect(await store.requests({ about: "disputes" })).toEqual([dispute]);
    expect(await store.requests({ about: "requests" })).toEqual([request]);
    expect(await store.requests({})).toHaveLength(2);
    const decided = await store.transition(dispute.key, ["waiting"], "settled", { verdict: "overturned" });
    expect(decided).toMatchObject({ state: "settled", verdict: "overturned", dispute: dispute.dispute });
    expect(await store.request(dispute.key)).toEqual(decided);
  });

  fresh("a second look is replaced by a later word about it, and keeps when it began", async () => {
    const { store } = subject();
    const first = watch("a", 100);
    expect(await store.watch(first.key)).toBeNull();
    await store.putWatch(first);
    expect(await store.watch(first.key)).toEqual(first);
    const judged: WatchRecord = {
      ...first,
      state: "disagrees",
      output: "0x0a",
      proposedOutput: "0x0b",
      reason: "label 1 is not label 0",
      updatedAt: 9,
    };
    await store.putWatch({ ...judged, createdAt: 8 });
    expect(await store.watch(first.key)).toEqual(judged);
  });

  fresh("second looks are listed by the end of their windows, in some states, up to a limit", async () => {
    const { store } = subject();
    const looks = [watch("a", 300), watch("b", 100), watch("c", 200)] as const;
    for (const look of looks) await store.putWatch(look);
    await store.putWatch({ ...watch("d", 50), state: "agrees" });
    const listed = await store.watches({ states: ["pending", "running"], limit: 2 });
    expect(listed).toEqual([looks[1], looks[2]]);
  });
}
