import { type Hex, keccak256, toHex } from "viem";
import { describe, expect, it } from "vitest";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import { PendingMessages } from "../../../coprocessor/core/pendingMessages.ts";

const LIMITS = { requests: 2, messagesPerRequest: 3, ttlMs: 1_000 };
const idOf = (name: string): Hex => keccak256(toHex(name));
const commit = (name: string, operatorId: number): PeerMessage => ({
  kind: "commit",
  requestId: idOf(name),
  operatorId,
  commitment: idOf(`commitment ${operatorId}`),
  signature: "0x",
});

describe("PendingMessages", () => {
  it("kept: messages come back once, in order of arrival", () => {
    const pending = new PendingMessages(LIMITS);
    pending.add(commit("a", 1), 0);
    pending.add(commit("a", 2), 1);
    expect(pending.take(idOf("a")).map(({ operatorId }) => operatorId)).toEqual([1, 2]);
    expect(pending.take(idOf("a"))).toEqual([]);
  });

  it("bounded: messages per request, and requests, oldest first", () => {
    const pending = new PendingMessages(LIMITS);
    const added = [1, 2, 3, 4].map((operatorId) => pending.add(commit("a", operatorId), 0));
    expect(added).toEqual([true, true, true, false]);
    pending.add(commit("b", 1), 1);
    pending.add(commit("c", 1), 2);
    expect(pending.size).toBe(2);
    expect(pending.take(idOf("a"))).toEqual([]);
    expect(pending.take(idOf("c"))).toHaveLength(1);
  });

  it("forgotten: after their time", () => {
    const pending = new PendingMessages(LIMITS);
    pending.add(commit("a", 1), 0);
    pending.add(commit("b", 1), 1_000);
    expect(pending.take(idOf("a"))).toEqual([]);
    expect(pending.take(idOf("b"))).toHaveLength(1);
  });
});
