import { encodeOutput, packProfile, unpackProfile } from "@sibyl/sdk";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { type Ballot, tally } from "../../../coprocessor/core/ballot.ts";
import { findEquivocations } from "../../../coprocessor/core/equivocation.ts";
import {
  type EvidenceProof,
  evidenceId,
  type Finding,
  type Offence,
  proofOf,
} from "../../../coprocessor/core/evidence.ts";
import { type ExaminedRequest, examine } from "../../../coprocessor/core/examine.ts";
import type { PeerMessage } from "../../../coprocessor/core/messages.ts";
import { parseProof } from "../../../coprocessor/core/proofSchema.ts";
import { requestKey } from "../../../coprocessor/core/request.ts";
import { verifyEvidence } from "../../../coprocessor/core/verifyEvidence.ts";
import { recoverDigest } from "../../../coprocessor/keys/recover.ts";
import {
  attestation,
  commit,
  keyOf,
  proposal,
  request,
  requestId,
  reveal,
  scope,
} from "./signedStatements.ts";

const scalar = (value: bigint) => encodeOutput("scalar", value);
const [SEVEN, NEAR, FAR] = [scalar(7n * 10n ** 18n), scalar(7n * 10n ** 18n + 1n), scalar(9n * 10n ** 18n)];
const TOLERANCE = packProfile({
  output: { codec: "scalar" },
  profile: { kind: "tolerance", abs: "0.1", rel: "0" },
});
const EXACT = packProfile({ output: { codec: "scalar" }, profile: { kind: "exact" } });
const key = requestKey(scope.chainId, scope.oracle, requestId);

const prove = (finding: Finding, profile = TOLERANCE): EvidenceProof =>
  proofOf({ key, ...scope, requestId, request, profile }, finding, 1_000);
/** Through JSON, as it is printed and read again. */
const verify = (proof: EvidenceProof) =>
  verifyEvidence(parseProof(JSON.parse(JSON.stringify(proof))), (digest, signature) =>
    recoverDigest(digest, signature),
  );
const offences = (findings: readonly Finding[]) => findings.map(({ offence }) => offence);

describe("findEquivocations", () => {
  it("found: two outputs attested in one view, a proposal counting as its proposer's attestation", async () => {
    const heard = [await attestation(1, SEVEN), await attestation(2, FAR)];
    expect(offences(findEquivocations(heard, await attestation(1, FAR), false))).toEqual(["two-outputs"]);
    expect(offences(findEquivocations(heard, await proposal(1, NEAR), false))).toEqual(["two-outputs"]);
  });

  it("found for exact models only: two outputs in two views", async () => {
    const heard = [await attestation(1, SEVEN, 0)];
    const later = await attestation(1, NEAR, 1);
    expect(findEquivocations(heard, later, false)).toEqual([]);
    const [finding] = findEquivocations(heard, later, true);
    expect(finding).toMatchObject({ offence: "two-outputs-across-views", operatorId: 1 });
  });

  it("preferred: the pair of one view, which needs no word about the model", async () => {
    const heard = [await attestation(1, SEVEN, 0), await attestation(1, NEAR, 1)];
    const [finding] = findEquivocations(heard, await attestation(1, FAR, 1), true);
    expect(finding).toMatchObject({ offence: "two-outputs", statements: [{ view: 1 }, { view: 1 }] });
  });

  it("found: two commitments", async () => {
    const heard = [await commit(1, SEVEN)];
    expect(offences(findEquivocations(heard, await commit(1, FAR), false))).toEqual(["two-commitments"]);
  });

  it("nothing: repeats, other operators' words, and the same output in another view", async () => {
    const heard: PeerMessage[] = [await attestation(1, SEVEN), await commit(1, SEVEN)];
    for (const message of [
      await attestation(1, SEVEN),
      await attestation(1, SEVEN, 3),
      await attestation(2, FAR),
      await commit(1, SEVEN),
      await commit(2, FAR),
      reveal(1, SEVEN, [await commit(1, SEVEN)]),
    ])
      expect(findEquivocations(heard, message, true)).toEqual([]);
  });
});

const candidates = [1, 2, 3].map((operatorId) => ({
  operatorId,
  attester: keyOf(operatorId).address,
  ticket: BigInt(operatorId),
  fromRound: 0,
}));

function ballotOf(heard: readonly PeerMessage[]): Ballot {
  const rules = { requestId, quorum: 2, committeeSize: 3, commitGraceMs: 0 };
  return tally(
    rules,
    candidates,
    heard.map((message, seq) => ({ seq, message, receivedAt: seq })),
  );
}

function examined(heard: readonly PeerMessage[], changes: Partial<ExaminedRequest> = {}): Finding[] {
  return examine({
    me: 1,
    requestId,
    quorum: 2,
    comparison: unpackProfile(TOLERANCE),
    heard,
    ballot: ballotOf(heard),
    ours: SEVEN,
    answer: { output: SEVEN, transaction: null },
    expired: false,
    ...changes,
  });
}

/** Operator 2 as an honest one speaks. */
const honest = async (output: Hex, attested = output): Promise<PeerMessage[]> => {
  const sealed = await commit(2, output);
  return [sealed, reveal(2, output, [sealed]), await attestation(2, attested)];
};

describe("examine", () => {
  it("nothing: honest operators within the tolerance", async () => {
    expect(examined(await honest(NEAR, SEVEN))).toEqual([]);
    expect(examined([await commit(2, SEVEN)])).toEqual([]);
  });

  it("found: attested, and its commitment never opened to us", async () => {
    const heard = [await commit(2, SEVEN), await attestation(2, SEVEN)];
    const [finding, ...rest] = examined(heard);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ operatorId: 2, offence: "unopened", outputs: [SEVEN] });
  });

  it("found: its commitment opens to another answer than it attested", async () => {
    const found = examined(await honest(FAR, SEVEN));
    expect(offences(found)).toEqual(["opened-otherwise", "revealed-otherwise"]);
    expect(found[0]?.fact).toContain("differs by 2");
  });

  it("found for an exact model: an attested output whose bytes nobody knows", async () => {
    const found = examined(await honest(SEVEN, scalar(1n)), { comparison: unpackProfile(EXACT) });
    expect(offences(found)).toEqual(["opened-otherwise"]);
    expect(offences(examined(await honest(SEVEN, scalar(1n))))).toEqual([]);
  });

  it("found: a reveal withheld though a quorum committed, only of a request that expired", async () => {
    const heard = [await commit(1, SEVEN), await commit(2, SEVEN)];
    const unanswered = { answer: null, expired: true };
    expect(offences(examined(heard, unanswered))).toEqual(["withheld"]);
    expect(examined(heard)).toEqual([]);
    expect(examined(heard, { answer: null })).toEqual([]);
    expect(examined([await commit(2, SEVEN)], unanswered)).toEqual([]);
  });

  it("found: our output is not the one that the chain took, by whom it was attested, and by how much", async () => {
    const answer = { output: FAR, transaction: null };
    const found = examined(await honest(FAR), { answer });
    expect(offences(found)).toEqual(["revealed-otherwise", "attested-otherwise"]);
    expect(found[1]?.fact).toMatch(/differs by 2 .* 0\.1 allowed/);
    expect(offences(examined([], { answer }))).toEqual(["settled-otherwise"]);
  });

  it("nothing: a disagreement that we cannot judge, because we computed nothing", async () => {
    expect(examined(await honest(FAR), { ours: null, answer: { output: FAR, transaction: null } })).toEqual(
      [],
    );
  });
});

describe("verifyEvidence", () => {
  const equivocation = async () =>
    findEquivocations([await attestation(2, SEVEN)], await proposal(2, FAR), false)[0] as Finding;

  it("holds: an equivocation names one signer and the call that punishes it", async () => {
    const proof = prove(await equivocation());
    expect(proof.id).toBe(evidenceId(key, 2, "two-outputs"));
    const verdict = verify(proof);
    expect(verdict).toMatchObject({
      holds: true,
      onChain: { contract: "OperatorRegistry", call: "slashEquivocation" },
    });
    if (!verdict.holds) throw new Error("unreachable");
    expect(verdict.signers.map(({ signer }) => signer)).toEqual([keyOf(2).address, keyOf(2).address]);
  });

  it("holds: across views for an exact model, and for no other", async () => {
    const [finding] = findEquivocations([await attestation(2, SEVEN)], await attestation(2, FAR, 1), true);
    expect(verify(prove(finding as Finding, EXACT))).toMatchObject({
      holds: true,
      onChain: { call: "slashCrossViewEquivocation" },
    });
    expect(verify(prove(finding as Finding))).toMatchObject({
      holds: false,
      reason: expect.stringContaining("exact models only"),
    });
  });

  it.each<[Offence, string | null, () => Promise<Finding[]>]>([
    ["unopened", "OpeningCourt", async () => examined([await commit(2, SEVEN), await attestation(2, SEVEN)])],
    ["opened-otherwise", "OpeningCourt", async () => examined(await honest(FAR, SEVEN))],
    [
      "withheld",
      null,
      async () => examined([await commit(1, SEVEN), await commit(2, SEVEN)], { answer: null, expired: true }),
    ],
    ["revealed-otherwise", null, async () => examined(await honest(FAR, SEVEN))],
    [
      "attested-otherwise",
      null,
      async () => examined(await honest(FAR), { answer: { output: FAR, transaction: null } }),
    ],
    [
      "settled-otherwise",
      null,
      async () => examined([], { answer: { output: FAR, transaction: `0x${"00".repeat(32)}` } }),
    ],
    [
      "two-commitments",
      null,
      async () => findEquivocations([await commit(2, SEVEN)], await commit(2, FAR), false),
    ],
  ])("holds: %s, to be used at %s", async (offence, contract, findings) => {
    const finding = (await findings()).find((one) => one.offence === offence);
    expect(verify(prove(finding as Finding))).toMatchObject({ holds: true, onChain: { contract } });
  });

  it("refuted: whatever is changed in it", async () => {
    const proof = prove(await equivocation());
    const [first, second] = proof.statements as [PeerMessage, PeerMessage];
    const disagreement = prove(
      examined(await honest(FAR, SEVEN)).find(({ offence }) => offence === "revealed-otherwise") as Finding,
    );
    const [finding] = findEquivocations([await attestation(2, SEVEN)], await attestation(2, FAR, 1), true);
    const across = prove(finding as Finding, EXACT);
    const cases: [Partial<EvidenceProof> & object, RegExp, EvidenceProof?][] = [
      [{ oracle: "0x00000000000000000000000000000000000000bb" }, /different keys/],
      [{ operatorId: 3 }, /of operator 2, not of operator 3/],
      [{ request: { ...proof.request, funds: "5" } }, /does not hash to its id/, across],
      [{ kind: "disagreement" }, /two-outputs is no disagreement/],
      [{ statements: [first, first] }, /both attestations name one output/],
      [{ statements: [first] }, /two attestations are needed/],
      [{ statements: [first, { ...second, signature: `0x${"11".repeat(65)}` } as PeerMessage] }, /is none/],
      [{ statements: [first, await attestation(2, FAR, 1)] }, /of views 0 and 1/],
      [{ ours: FAR }, /both outputs are the same/, disagreement],
      [{ ours: null }, /two outputs are needed/, disagreement],
      [{ profile: "0" }, /no profile/, disagreement],
    ];
    for (const [change, reason, base = proof] of cases) {
      const verdict = verify({ ...base, ...change });
      expect(verdict.holds ? "holds" : verdict.reason).toMatch(reason);
    }
  });

  it("holds: what jurors sign about a dispute, whose id no request hashes to; the court has no use for it", async () => {
    const dispute = { request: { ...prove(await equivocation()).request, funds: "5" } };
    expect(verify({ ...prove(await equivocation()), ...dispute })).toMatchObject({
      holds: true,
      onChain: { call: "slashEquivocation" },
    });
    const [unopened] = examined([await commit(2, SEVEN), await attestation(2, SEVEN)]);
    expect(verify({ ...prove(unopened as Finding), ...dispute })).toMatchObject({
      holds: true,
      onChain: { contract: null },
    });
  });

  it("refuted: another key's attestation under the operator's id", async () => {
    const proof = prove(await equivocation());
    const forged = { ...(await attestation(3, FAR)), operatorId: 2 };
    const [first] = proof.statements as [PeerMessage];
    expect(verify({ ...proof, statements: [first, forged] })).toMatchObject({
      holds: false,
      reason: expect.stringContaining("different keys"),
    });
  });

  it("not read: what is no proof", () => {
    for (const json of [null, {}, { schema: "sibyl/evidence@2" }])
      expect(() => parseProof(json)).toThrow(expect.objectContaining({ code: "evidence/invalid" }));
  });
});
