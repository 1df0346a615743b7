import type { Proposal } from "@sibyl/sdk";
import { describe, expect, test } from "vitest";
import { decideFinalization, type FinalizationView } from "../../../coprocessor/core/finalization.ts";

const PROPOSED_AT = 1_800_000_000;
const WINDOW = 600;
const DELAY_MS = 10_000;
/** The first moment of the first second after the window, by the chain's clock. */
const OVER_MS = (PROPOSED_AT + WINDOW + 1) * 1_000;
/** Our clock is off by this much, which must not matter. */
const SKEW_MS = 7_000;

const proposal: Proposal = {
  outputHash: `0x${"11".repeat(32)}`,
  signers: (2n << 224n) | (5n << 192n) | (9n << 160n),
  submitterId: 5,
  proposedAt: PROPOSED_AT,
  gasOwed: 1n,
};

const view = (me: number, chainNow: number, rest: Partial<FinalizationView> = {}): FinalizationView => ({
  me,
  proposal,
  challengeWindow: WINDOW,
  finalizing: false,
  failedFinalizations: { count: 0, lastAt: 0 },
  delayMs: DELAY_MS,
  chainNow,
  now: chainNow + SKEW_MS,
  ...rest,
});

describe("finalization", () => {
  test("waiting: nobody finalizes while the window runs, its last second included", () => {
    expect(decideFinalization(view(5, OVER_MS - 1_000))).toEqual({ type: "wait", until: OVER_MS + SKEW_MS });
    expect(decideFinalization(view(5, OVER_MS - 1))).toEqual({ type: "wait", until: OVER_MS + SKEW_MS });
  });

  test("finalizing: the proposal's submitter comes first, the other signers follow in order", () => {
    expect(decideFinalization(view(5, OVER_MS))).toEqual({ type: "finalize" });
    expect(decideFinalization(view(2, OVER_MS))).toEqual({
      type: "wait",
      until: OVER_MS + DELAY_MS + SKEW_MS,
    });
    expect(decideFinalization(view(9, OVER_MS))).toEqual({
      type: "wait",
      until: OVER_MS + 2 * DELAY_MS + SKEW_MS,
    });
    expect(decideFinalization(view(2, OVER_MS + DELAY_MS))).toEqual({ type: "finalize" });
  });

  test("finalizing: when a stranger submitted, the first signer comes first", () => {
    const byStranger = { proposal: { ...proposal, submitterId: 0 } };
    expect(decideFinalization(view(2, OVER_MS, byStranger))).toEqual({ type: "finalize" });
    expect(decideFinalization(view(5, OVER_MS, byStranger))).toMatchObject({ type: "wait" });
  });

  test("leaving: who did not sign would not be repaid", () => {
    expect(decideFinalization(view(3, OVER_MS + 1_000_000))).toEqual({ type: "leave" });
  });

  test("leaving: a transaction under way is not sent twice", () => {
    expect(decideFinalization(view(5, OVER_MS, { finalizing: true }))).toEqual({ type: "leave" });
  });

  test("waiting: after a failure the next attempt comes later each time", () => {
    const failedFinalizations = { count: 2, lastAt: OVER_MS + SKEW_MS };
    expect(decideFinalization(view(5, OVER_MS, { failedFinalizations }))).toEqual({
      type: "wait",
      until: OVER_MS + SKEW_MS + 2 * DELAY_MS,
    });
    const later = view(5, OVER_MS + 2 * DELAY_MS, { failedFinalizations });
    expect(decideFinalization(later)).toEqual({ type: "finalize" });
  });
});
