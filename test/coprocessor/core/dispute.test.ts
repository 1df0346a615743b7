import {
  agree,
  type DeterminismProfile,
  encodeClassification,
  packRequest,
  toWad,
  unpackRequest,
} from "@sibyl/sdk";
import fc from "fast-check";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { tally } from "../../../coprocessor/core/ballot.ts";
import {
  agreementTerms,
  type DisputedProposal,
  drawJury,
  juryProgress,
} from "../../../coprocessor/core/dispute.ts";
import { judge, type Proposal, type ProposalRules, propose } from "../../../coprocessor/core/proposal.ts";
import { candidatesOf, commitOf, HonestOperator, REQUEST_ID, revealOf } from "./agreementNetwork.ts";

const TOLERANCE: DeterminismProfile = { kind: "tolerance", abs: "0.001", rel: "0" };
const TOLERANCE_WAD = toWad(0.001);
const BLOCK_HASH: Hex = `0x${"ab".repeat(32)}`;

const output = (confidence: bigint, label = 1): Hex => encodeClassification({ label, confidence });
const near = (delta: bigint): Hex => output(toWad(0.5) + delta);

const fields = (committeeSize: number) =>
  unpackRequest(
    packRequest({
      ...unpackRequest({ modelId: BLOCK_HASH, inputHash: BLOCK_HASH, terms: 0n, opening: 0n, funds: 0n }),
      committeeSize,
      quorum: 2,
      overdrawBps: 10_000,
      roundSeconds: 5,
      openedAt: 1_000,
      totalWeight: 10n,
    }),
  );

const disputed = (signers: readonly number[]): DisputedProposal => ({
  requestId: REQUEST_ID,
  arbiter: "0x00000000000000000000000000000000000000a1",
  dispute: {
    proposal: {
      outputHash: BLOCK_HASH,
      signers: signers.reduce((word, id, place) => word | (BigInt(id) << BigInt(224 - 32 * place)), 0n),
      submitterId: 0,
      proposedAt: 1_100,
      gasOwed: 0n,
    },
    challenger: "0x00000000000000000000000000000000000000c1",
    challengedBlock: 7,
    challengedAt: 1_200,
  },
  output: near(0n),
});

const seat = (operatorId: number, activeFrom = 0) => ({
  modelId: BLOCK_HASH,
  operatorId,
  attester: "0x0000000000000000000000000000000000000001" as const,
  weight: 1n,
  activeFrom,
});

describe("a jury", () => {
  it("drawn: one more than the committee of twice as many and one, by the challenge's clock", () => {
    expect(agreementTerms(fields(3), disputed([1]))).toEqual({
      quorum: 4,
      committeeSize: 7,
      openedAt: 1_200,
      roundSeconds: 5,
    });
    expect(agreementTerms(fields(3), null)).toMatchObject({ quorum: 2, committeeSize: 3, openedAt: 1_000 });
  });

  it("drawn: nobody who signed the proposal, nobody whose seat is younger than the request", () => {
    const seats = [...Array.from({ length: 10 }, (_, index) => seat(index + 1)), seat(11, 1_001)];
    const jury = drawJury(REQUEST_ID, fields(2), disputed([2, 5]), BLOCK_HASH, seats);
    expect(jury.map(({ operatorId }) => operatorId).sort((a, b) => a - b)).toEqual([1, 3, 4, 6, 7, 8, 9, 10]);
    // Twice the committee and one is drawn at first, so more of them in round 0 than for the request.
    const twice = drawJury(REQUEST_ID, fields(1), disputed([]), BLOCK_HASH, seats);
    const atOnce = (candidates: typeof jury) => candidates.filter(({ fromRound }) => fromRound === 0).length;
    const more = drawJury(REQUEST_ID, fields(4), disputed([]), BLOCK_HASH, seats);
    expect(atOnce(more)).toBeGreaterThan(atOnce(twice));
  });

  it("drawn: another block's hash draws another jury", () => {
    const seats = Array.from({ length: 10 }, (_, index) => seat(index + 1));
    const first = drawJury(REQUEST_ID, fields(2), disputed([]), BLOCK_HASH, seats);
    const second = drawJury(REQUEST_ID, fields(2), disputed([]), `0x${"cd".repeat(32)}`, seats);
    expect(first.map(({ ticket }) => ticket)).not.toEqual(second.map(({ ticket }) => ticket));
  });

  it("pending: its progress is told by the latest step that anybody reached", () => {
    const rules = { requestId: REQUEST_ID, quorum: 2, committeeSize: 3, commitGraceMs: 0 };
    const heard = [commitOf(1, near(0n)), commitOf(2, near(0n)), revealOf(1, near(0n))].map(
      (message, index) => ({ seq: index, message, receivedAt: index }),
    );
    const progress = (count: number) => juryProgress(tally(rules, candidatesOf(3), heard.slice(0, count)), 2);
    expect([1, 2, 3].map(progress)).toEqual(["commitments 1 of 2", "commitments 2 of 2", "reveals 1 of 2"]);
    const attestation = {
      kind: "attestation" as const,
      requestId: REQUEST_ID,
      operatorId: 1,
      view: 0,
      outputHash: BLOCK_HASH,
      signature: "0x" as const,
    };
    const attested = tally(rules, candidatesOf(3), [
      ...heard,
      { seq: 9, message: attestation, receivedAt: 9 },
    ]);
    expect(juryProgress(attested, 2)).toBe("attestations 1 of 2");
  });
});

describe("a verdict under a tolerance", () => {
  const rules = (outputs: readonly Hex[], quorum = 3): ProposalRules => ({
    quorum,
    codec: "classification",
    profile: TOLERANCE,
    reveals: new Map(outputs.map((bytes, index) => [index + 1, bytes])),
    disputed: near(0n),
  });

  it("upheld: a jury whose median differs in a last bit comes to the proposal's own bytes", () => {
    const jury = rules([near(3n), near(2n), near(1n)]);
    expect(propose(jury, near(3n))).toEqual({ output: near(0n), reveals: [1, 2, 3] });
    for (const bytes of jury.reveals.values()) {
      expect(judge(jury, bytes, { output: near(0n), reveals: [1, 2, 3] })).toBe("follows");
    }
  });

  it("overturned: the median of those who disagree, whatever the others revealed", () => {
    const far = 5n * TOLERANCE_WAD;
    const jury = rules([near(far), near(far + 2n), near(far + 1n), near(1n)]);
    for (const ours of [near(far), near(1n)]) {
      expect(propose(jury, ours)).toEqual({ output: near(far + 1n), reveals: [1, 2, 3] });
    }
  });

  it("pending: an even split has no verdict", () => {
    const far = 5n * TOLERANCE_WAD;
    expect(propose(rules([near(far), near(far), near(1n), near(2n)]), near(far))).toBeNull();
  });

  it("refused: a verdict whose reveals say the contrary, and one against our own output", () => {
    const far = 5n * TOLERANCE_WAD;
    const jury = rules([near(far), near(far), near(far), near(1n), near(2n), near(3n)]);
    const verdict = (proposal: Proposal, ours: Hex) => judge(jury, ours, proposal);
    expect(verdict({ output: near(0n), reveals: [3, 4, 5] }, near(1n))).toEqual({
      final: true,
      reason: "upholds, and operator 3's reveal disagrees with the disputed output",
    });
    expect(verdict({ output: near(far), reveals: [1, 2, 4] }, near(far))).toEqual({
      final: true,
      reason: "overturns, and operator 4's reveal agrees with the disputed output",
    });
    expect(verdict({ output: near(far), reveals: [1, 2, 3] }, near(1n))).toEqual({
      final: true,
      reason: "overturns an output that agrees with ours",
    });
    expect(verdict({ output: near(far + 1n), reveals: [1, 2, 3] }, near(far))).toEqual({
      final: true,
      reason: "is not the median of its reveals",
    });
    expect(verdict({ output: near(0n), reveals: [4, 5, 6] }, near(far))).toMatchObject({ final: true });
    expect(verdict({ output: near(0n), reveals: [4, 5, 9] }, near(1n))).toMatchObject({ final: false });
    expect(verdict({ output: near(0n), reveals: [4, 5] }, near(1n))).toMatchObject({ final: true });
  });

  /** Offsets of up to three tolerances, so that all sides of the border come up. */
  const offset = fc.bigInt({ min: -3n * TOLERANCE_WAD, max: 3n * TOLERANCE_WAD });
  const anyOutput = fc.tuple(offset, fc.nat(1)).map(([delta, label]) => output(toWad(0.5) + delta, label));
  const agreesWithDisputed = (bytes: Hex) => agree("classification", TOLERANCE, bytes, near(0n)).agrees;

  it("upheld or nothing: no juror that agrees with a proposal signs anything else, whatever is put before it", () => {
    fc.assert(
      fc.property(
        fc.array(anyOutput, { minLength: 3, maxLength: 7 }),
        fc.array(fc.nat(6), { minLength: 3, maxLength: 7 }),
        anyOutput,
        anyOutput.filter(agreesWithDisputed),
        (outputs, named, forged, ours) => {
          const jury = rules([ours, ...outputs]);
          const reveals = [...new Set(named)].map((index) => index + 1).sort((a, b) => a - b);
          for (const candidate of [propose(jury, ours)?.output ?? forged, forged, near(0n)]) {
            if (judge(jury, ours, { output: candidate, reveals }) === "follows") {
              expect(candidate).toBe(near(0n));
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("overturned or nothing: no juror that disagrees with a proposal ever signs it", () => {
    fc.assert(
      fc.property(
        fc.array(anyOutput, { minLength: 3, maxLength: 7 }),
        fc.array(fc.nat(6), { minLength: 3, maxLength: 7 }),
        anyOutput.filter((bytes) => !agreesWithDisputed(bytes)),
        (outputs, named, ours) => {
          const jury = rules([ours, ...outputs]);
          const reveals = [...new Set(named)].map((index) => index + 1).sort((a, b) => a - b);
          expect(judge(jury, ours, { output: near(0n), reveals })).not.toBe("follows");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("decided: an honest jury upholds what all agree with and overturns what none does, in what order they reveal", () => {
    const within = fc.bigInt({ min: -TOLERANCE_WAD / 2n, max: TOLERANCE_WAD / 2n });
    fc.assert(
      fc.property(fc.array(within, { minLength: 3, maxLength: 7 }), fc.boolean(), (deltas, isHonest) => {
        const shift = isHonest ? 0n : 10n * TOLERANCE_WAD;
        const outputs = deltas.map((delta) => near(shift + delta));
        const jury = rules(outputs);
        const proposal = propose(jury, outputs[0] as Hex);
        if (proposal === null) throw new Error("an honest jury is split");
        expect(proposal.output === near(0n)).toBe(isHonest);
        for (const ours of outputs) expect(judge(jury, ours, proposal)).toBe("follows");
      }),
      { numRuns: 300 },
    );
  });
});

describe("a jury at work", () => {
  /** Five jurors of whom three must agree, all connected, until nobody has anything to say. */
  function hold(outputs: readonly Hex[], profile: DeterminismProfile, judged: Hex): HonestOperator[] {
    const candidates = candidatesOf(5);
    const rules = { quorum: 3, committeeSize: 5, codec: "classification" as const, profile, candidates };
    const jurors = outputs.map((_, index) => new HonestOperator(index + 1, { ...rules, disputed: judged }));
    for (let now = 0; now <= 10_000; now += 100) {
      for (const [index, juror] of jurors.entries()) {
        for (const message of juror.step(now, outputs[index] as Hex)) {
          for (const other of jurors) if (other !== juror) other.hear(message, now);
        }
      }
    }
    return jurors;
  }
  const verdicts = (jurors: readonly HonestOperator[]) =>
    new Set(jurors.flatMap(({ settlements }) => settlements.map(({ output: bytes }) => bytes)));

  it("upheld: unequal honest outputs, and the proposal's own bytes", () => {
    const jurors = hold([near(1n), near(2n), near(3n), near(4n), near(5n)], TOLERANCE, near(0n));
    expect(verdicts(jurors)).toEqual(new Set([near(0n)]));
    for (const { settlements } of jurors.slice(0, 1)) expect(settlements[0]?.signers).toHaveLength(3);
  });

  it("overturned: a wrong label, by the median of the jury, also with jurors away", () => {
    const outputs = [near(1n), near(2n), near(3n)];
    expect(verdicts(hold(outputs, TOLERANCE, output(toWad(0.5), 0)))).toEqual(new Set([near(2n)]));
  });

  it("decided: an exact model's jury signs the bytes that it shares", () => {
    const outputs = [near(0n), near(0n), near(0n)];
    expect(verdicts(hold(outputs, { kind: "exact" }, near(0n)))).toEqual(new Set([near(0n)]));
    expect(verdicts(hold(outputs, { kind: "exact" }, near(1n)))).toEqual(new Set([near(0n)]));
  });

  it("pending: jurors on both sides of the border punish nobody, and say that they are split", () => {
    const [inside, outside] = [TOLERANCE_WAD - 1n, TOLERANCE_WAD + 1n];
    const jurors = hold([near(inside), near(inside), near(outside), near(outside)], TOLERANCE, near(0n));
    expect(verdicts(jurors)).toEqual(new Set());
    expect(jurors.some(({ waitingFor }) => waitingFor === "no verdict is shared by 3 of 4 reveals")).toBe(
      true,
    );
  });
});
