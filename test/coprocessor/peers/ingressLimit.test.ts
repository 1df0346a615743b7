import { describe, expect, test } from "vitest";
import { createIngressLimit } from "../../../coprocessor/peers/ingressLimit.ts";
import { defaultPeerLimits, type PeerLimits } from "../../../coprocessor/peers/limits.ts";
import { createRecentKeys } from "../../../coprocessor/peers/recentKeys.ts";

const limit = (limits: Partial<PeerLimits>) => createIngressLimit({ ...defaultPeerLimits, ...limits });
const count = (times: number, act: () => boolean) =>
  Array.from({ length: times }, act).filter(Boolean).length;

describe("ingress limit", () => {
  test("messages: a burst, then the rate, per peer", () => {
    const ingress = limit({ messageBurst: 10, messagesPerSecond: 5 });
    expect(count(20, () => ingress.admit("a", 1, 1, 0))).toBe(10);
    expect(count(20, () => ingress.admit("a", 1, 1, 1_000))).toBe(5);
    expect(count(20, () => ingress.admit("b", 1, 1, 1_000))).toBe(10);
    expect(count(20, () => ingress.admit("a", 1, 1, 1_000_000))).toBe(10);
  });

  test("bytes: bounded apart from messages", () => {
    const ingress = limit({ byteBurst: 1_000, bytesPerSecond: 100 });
    expect(ingress.admit("a", 1, 900, 0)).toBe(true);
    expect(ingress.admit("a", 1, 101, 0)).toBe(false);
    expect(ingress.admit("a", 1, 100, 0)).toBe(true);
    expect(ingress.admit("a", 1, 100, 1_000)).toBe(true);
  });

  test("strangers: a share of every budget, the whole from the moment that they prove something", () => {
    const limits = { ...defaultPeerLimits, messageBurst: 160, messagesPerSecond: 16, strangerShare: 1 / 16 };
    const proven = new Set<string>();
    const ingress = createIngressLimit(limits, (peer) => proven.has(peer));
    expect(count(200, () => ingress.admit("a", 1, 1, 0))).toBe(10);
    expect(count(200, () => ingress.admit("a", 1, 1, 1_000))).toBe(1);
    proven.add("a");
    expect(count(200, () => ingress.admit("a", 1, 1, 2_000))).toBe(16);
    expect(count(200, () => ingress.admit("a", 1, 1, 100_000))).toBe(160);
    // What it had saved up as an operator is gone with the proof.
    ingress.admit("a", 1, 1, 200_000);
    proven.delete("a");
    expect(count(200, () => ingress.admit("a", 1, 1, 200_000))).toBe(10);
  });

  test("clock going back: refills nothing, breaks nothing", () => {
    const ingress = limit({ messageBurst: 2, messagesPerSecond: 1 });
    expect(count(3, () => ingress.admit("a", 1, 1, 5_000))).toBe(2);
    expect(ingress.admit("a", 1, 1, 0)).toBe(false);
    expect(ingress.admit("a", 1, 1, 1_000)).toBe(true);
  });

  test("doubt: accepted messages are free, ignored ones cheap, rejected ones dear", () => {
    const runUntilRefused = (verdict: "accept" | "ignore" | "reject") => {
      const ingress = limit({ doubtBurst: 64, doubtPerSecond: 1 });
      let judged = 0;
      while (judged < 5_000 && ingress.beginJudging("a", 1, 1, 0)) {
        ingress.endJudging("a", 1, 1, [verdict], 0);
        judged += 1;
      }
      return judged;
    };
    expect(runUntilRefused("accept")).toBe(5_000);
    expect(runUntilRefused("ignore")).toBe((64 - 1) * 8 + 1);
    expect(runUntilRefused("reject")).toBe(8);
  });

  test("bundles: each message in one is held, and costs, what it would alone", () => {
    const ingress = limit({ doubtBurst: 64, doubtPerSecond: 1 });
    expect(ingress.beginJudging("a", 65, 1, 0)).toBe(false);
    expect(ingress.beginJudging("a", 60, 1, 0)).toBe(true);
    expect(ingress.beginJudging("a", 5, 1, 0)).toBe(false);
    // 64 - 8 - 16/8 are left.
    ingress.endJudging("a", 60, 1, ["reject", ...Array<"ignore">(16).fill("ignore"), "accept"], 0);
    expect(ingress.pending()).toEqual({ messages: 0, bytes: 0 });
    expect(ingress.beginJudging("a", 55, 1, 0)).toBe(false);
    expect(ingress.beginJudging("a", 54, 1, 0)).toBe(true);
  });

  test("ten operators at 40 requests a second: nobody honest meets a limit, in its own name or passing on", () => {
    const ingress = limit({});
    const [operators, requests, statements, repeats] = [10, 40, 4, 5];
    let refused = 0;
    for (let second = 0; second < 60; second++) {
      const now = second * 1_000;
      // All that an operator says, each word of it as often as it may be repeated, in bundles of any size.
      const own = requests * statements * (1 + repeats);
      for (let left = own; left > 0; left -= 50) {
        const messages = Math.min(50, left);
        const bytes = messages * 500;
        if (!ingress.admit("a", messages, bytes, now) || !ingress.beginJudging("a", messages, bytes, now)) {
          refused += 1;
          continue;
        }
        ingress.endJudging("a", messages, bytes, Array<"accept">(messages).fill("accept"), now);
      }
      // What it passes on of the others', once in ten times.
      const others = Math.ceil(((operators - 1) * requests * statements) / 10);
      if (!ingress.admit("a", others, others * 500, now)) refused += 1;
    }
    expect(refused).toBe(0);
    expect(ingress.isFlooding("a", 60_000)).toBe(false);
  });

  test("judging: bounded per peer and over all, and every place comes back", () => {
    const ingress = limit({ doubtBurst: 10, maxPending: 15, maxPendingBytes: 1_000 });
    expect(count(20, () => ingress.beginJudging("a", 1, 10, 0))).toBe(10);
    expect(count(20, () => ingress.beginJudging("b", 1, 10, 0))).toBe(5);
    expect(ingress.pending()).toEqual({ messages: 15, bytes: 150 });
    for (let i = 0; i < 10; i++) ingress.endJudging("a", 1, 10, ["accept"], 0);
    for (let i = 0; i < 5; i++) ingress.endJudging("b", 1, 10, ["accept"], 0);
    expect(ingress.pending()).toEqual({ messages: 0, bytes: 0 });
    expect(ingress.beginJudging("c", 1, 1_001, 0)).toBe(false);
    expect(ingress.beginJudging("c", 1, 1_000, 0)).toBe(true);
  });

  test("flooding: excess adds up, fades, and is not the fault of who meets a full house", () => {
    const ingress = limit({ messageBurst: 10, messagesPerSecond: 1, excessBeforeBan: 20, maxPending: 0 });
    for (let i = 0; i < 10; i++) ingress.admit("a", 1, 1, 0);
    for (let i = 0; i < 19; i++) ingress.admit("a", 1, 1, 0);
    expect(ingress.isFlooding("a", 0)).toBe(false);
    ingress.admit("a", 1, 1, 0);
    expect(ingress.isFlooding("a", 0)).toBe(true);
    expect(ingress.isFlooding("a", 10_000)).toBe(false);
    for (let i = 0; i < 100; i++) ingress.beginJudging("b", 1, 1, 0);
    expect(ingress.isFlooding("b", 0)).toBe(false);
  });

  test("ten thousand names: a spent budget stays spent, until it is the longest unseen of 4,096", () => {
    const ingress = limit({ messageBurst: 1, messagesPerSecond: 0.000001 });
    const spend = (peer: string) => ingress.admit(peer, 1, 1, 0);
    expect(spend("a")).toBe(true);
    for (let i = 0; i < 4_095; i++) spend(`peer ${i}`);
    expect(spend("a")).toBe(false);
    for (let i = 0; i < 5_000; i++) spend(`stranger ${i}`);
    expect(spend("a")).toBe(true);
  });
});

describe("recent keys", () => {
  test("window: a key is new again when its window has passed", () => {
    const keys = createRecentKeys(100, 10);
    expect(keys.add("a", 0)).toBe(true);
    expect(keys.add("a", 99)).toBe(false);
    expect(keys.has("a", 99)).toBe(true);
    expect(keys.has("a", 100)).toBe(false);
    expect(keys.add("a", 100)).toBe(true);
  });

  test("forgotten: as if it had never been seen", () => {
    const keys = createRecentKeys(100, 10);
    keys.add("a", 0);
    keys.forget("a");
    expect(keys.has("a", 1)).toBe(false);
    expect(keys.add("a", 1)).toBe(true);
  });

  test("capacity: the oldest go first", () => {
    const keys = createRecentKeys(1_000, 3);
    for (const [i, key] of ["a", "b", "c", "d"].entries()) keys.add(key, i);
    expect(["a", "b", "c", "d"].map((key) => keys.has(key, 10))).toEqual([false, true, true, true]);
  });
});
