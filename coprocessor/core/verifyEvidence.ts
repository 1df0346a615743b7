import {
  agree,
  attestationDigest,
  type ComparisonRule,
  commitDigest,
  encodeDemand,
  encodeReport,
  requestId as hashRequest,
  OutOfRangeError,
  unpackProfile,
} from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Address, Hex } from "viem";
import { attestationIn, type EvidenceProof, OFFENCES, requestWords } from "./evidence.ts";
import { opens } from "./examine.ts";
import type { CommitMessage, PeerMessage } from "./messages.ts";

/** Whose signature a statement bears. Whose operator's key that is, or was, `operatorOf` of the registry says. */
export interface StatementSigner {
  kind: PeerMessage["kind"];
  operatorId: number;
  signer: Address;
}

/** What can be done with a proof: a call that anybody may send, or why there is none. */
export type EvidenceUse =
  | { contract: "OperatorRegistry"; call: string; data: Hex }
  | { contract: "OpeningCourt"; call: "demand"; data: Hex }
  | { contract: null; why: string };

export type EvidenceVerdict =
  | { holds: true; signers: StatementSigner[]; proves: string; onChain: EvidenceUse }
  | { holds: false; reason: string };

/** The address that signed a digest; undefined for what is no signature. */
export type Recover = (digest: Hex, signature: Hex) => Address | undefined;

/** What a proof lacks; its message is the verdict's reason. */
class Refuted extends Error {}

/**
 * Checks a proof from its own bytes: that the statements are signed, are about this request, and say what is claimed.
 *
 * It needs no chain, so it cannot tell whose keys signed: it says which, and that it is one key.
 */
export function verifyEvidence(proof: EvidenceProof, recover: Recover): EvidenceVerdict {
  try {
    if (OFFENCES[proof.offence] !== proof.kind)
      throw new Refuted(`${proof.offence} is no ${proof.kind} but ${OFFENCES[proof.offence]}`);
    const signers = proof.statements.flatMap((statement) => signersOf(proof, statement, recover));
    const [first, other] = new Set(signers.map(({ signer }) => signer));
    if (other !== undefined) throw new Refuted(`signed by different keys, ${first} and ${other}`);
    return { holds: true, signers, ...claims(proof, comparisonOf(proof)) };
  } catch (error) {
    if (error instanceof Refuted) return { holds: false, reason: error.message };
    throw error;
  }
}

/** What may be done with a proof on chain; the signatures are taken to be right. */
export function useOf(proof: EvidenceProof): EvidenceUse {
  try {
    return claims(proof, comparisonOf(proof)).onChain;
  } catch (error) {
    if (error instanceof Refuted) return { contract: null, why: error.message };
    throw error;
  }
}

function comparisonOf({ profile }: EvidenceProof): ComparisonRule | null {
  try {
    return unpackProfile(BigInt(profile));
  } catch (error) {
    if (error instanceof OutOfRangeError) return null;
    throw error;
  }
}

function signersOf(proof: EvidenceProof, statement: PeerMessage, recover: Recover): StatementSigner[] {
  const { operatorId, kind } = statement;
  if (statement.requestId !== proof.requestId)
    throw new Refuted(`a ${kind} is about request ${statement.requestId}`);
  if (operatorId !== proof.operatorId)
    throw new Refuted(`a ${kind} is of operator ${operatorId}, not of operator ${proof.operatorId}`);
  const scope = { chainId: proof.chainId, oracle: proof.oracle };
  const requestHash = proof.requestId;
  const signedBy = (digest: Hex, signature: Hex): Address => {
    const signer = recover(digest, signature);
    if (signer === undefined) throw new Refuted(`the signature of a ${kind} is none`);
    return signer;
  };
  const committedBy = ({ commitment, signature }: CommitMessage) =>
    signedBy(commitDigest(scope, { requestHash, commitment }), signature);
  if (statement.kind === "commit") return [{ kind, operatorId, signer: committedBy(statement) }];
  if (statement.kind === "reveal") {
    const own = statement.commits.find((commit) => opens(statement, commit));
    if (own === undefined) throw new Refuted("a reveal opens no commitment that it carries");
    return [{ kind, operatorId, signer: committedBy(own) }];
  }
  const attested = attestationIn(statement);
  if (attested === null) return [];
  const { view, outputHash, signature } = attested;
  const digest = attestationDigest(scope, { requestHash, outputHash, view });
  return [{ kind, operatorId, signer: signedBy(digest, signature) }];
}

function claims(
  proof: EvidenceProof,
  comparison: ComparisonRule | null,
): { proves: string; onChain: EvidenceUse } {
  const request = requestWords(proof.request);
  // Jurors sign a dispute's id in its place: what needs the request's own words is then not to be had.
  const isRequest = hashRequest(request) === proof.requestId;
  const attestations = proof.statements.flatMap((statement) => attestationIn(statement) ?? []);
  const commits = proof.statements.filter((statement) => statement.kind === "commit");
  const reveal = proof.statements.find((statement) => statement.kind === "reveal");
  const nothing = (why: string): EvidenceUse => ({ contract: null, why });
  const demand = (): EvidenceUse => {
    const [commit] = commits;
    const [attested] = attestations;
    if (commit === undefined || attested === undefined) throw new Refuted("it names no attestation");
    if (!isRequest) return nothing("the request does not hash to the id, and the court wants requests");
    const output = outputOf(proof, attested.outputHash);
    if (output === undefined && comparison?.profile.kind !== "exact")
      return nothing("the attested output's bytes are not known, and the court compares them");
    const { data } = encodeDemand({
      oracle: proof.oracle,
      request,
      operatorId: proof.operatorId,
      commitment: commit.commitment,
      commitSignature: commit.signature,
      attestedHash: attested.outputHash,
      attestedOutput: output ?? "0x",
      view: attested.view,
      attestationSignature: attested.signature,
    });
    return { contract: "OpeningCourt", call: "demand", data };
  };

  switch (proof.offence) {
    case "two-outputs":
    case "two-outputs-across-views": {
      const [first, second] = attestations;
      if (first === undefined || second === undefined) throw new Refuted("two attestations are needed");
      if (first.outputHash === second.outputHash) throw new Refuted("both attestations name one output");
      const across = first.view !== second.view;
      if (across !== (proof.offence === "two-outputs-across-views"))
        throw new Refuted(`the attestations are of views ${first.view} and ${second.view}`);
      if (across && comparison?.profile.kind !== "exact")
        throw new Refuted("two outputs in two views prove something for exact models only");
      if (across && !isRequest) throw new Refuted("the request does not hash to its id");
      const { oracle, requestId } = proof;
      const data = encodeReport({ oracle, requestId, request, first, second });
      const call = across ? "slashCrossViewEquivocation" : "slashEquivocation";
      return {
        proves: `one key attested outputs ${first.outputHash} and ${second.outputHash}`,
        onChain: { contract: "OperatorRegistry", call, data },
      };
    }
    case "two-commitments": {
      const [first, second] = commits;
      if (first === undefined || second === undefined || first.commitment === second.commitment)
        throw new Refuted("two different commitments are needed");
      return {
        proves: `one key committed to ${first.commitment} and to ${second.commitment}`,
        onChain: nothing("no contract judges two commitments"),
      };
    }
    case "unopened": {
      if (commits.length === 0 || attestations.length === 0)
        throw new Refuted("a commitment and an attestation are needed");
      return {
        proves: "one key committed and attested; whether it can open its commitment is for a demand to show",
        onChain: demand(),
      };
    }
    case "opened-otherwise": {
      const [attested] = attestations;
      if (reveal === undefined || attested === undefined)
        throw new Refuted("an opening and an attestation are needed");
      const difference = differenceOf(proof, comparison, reveal.output, attested.outputHash);
      return {
        proves: `its commitment opens to another answer than it attested: ${difference}`,
        onChain: demand(),
      };
    }
    case "withheld":
      if (commits.length === 0) throw new Refuted("a commitment is needed");
      return {
        proves: "one key committed; that it was never opened is the word of the node that kept this",
        onChain: nothing("silence is proven by a demand, which needs an attestation"),
      };
    case "revealed-otherwise":
    case "attested-otherwise":
    case "settled-otherwise": {
      const theirs = reveal?.output ?? proof.outputs[0];
      if (proof.ours === null || theirs === undefined) throw new Refuted("two outputs are needed");
      const [attested] = attestations;
      if (proof.offence === "attested-otherwise" && attested?.outputHash !== keccak256(theirs))
        throw new Refuted("the attestation names another output");
      if (proof.offence === "revealed-otherwise" && reveal === undefined)
        throw new Refuted("an opening is needed");
      const difference = differenceOf(proof, comparison, proof.ours, keccak256(theirs));
      return {
        proves: `the outputs are different answers: ${difference}; which is wrong, running the model shows`,
        onChain: nothing(
          "a mismatch alone is never punished; a challenge within a window is judged by a jury",
        ),
      };
    }
  }
}

/** Why two outputs are different answers. */
function differenceOf(
  proof: EvidenceProof,
  comparison: ComparisonRule | null,
  one: Hex,
  otherHash: Hex,
): string {
  if (comparison === null) throw new Refuted("the model has no profile to compare by");
  if (keccak256(one) === otherHash) throw new Refuted("both outputs are the same");
  const other = outputOf(proof, otherHash);
  if (other === undefined) {
    if (comparison.profile.kind === "exact")
      return `the profile is exact, and ${otherHash} is another output`;
    throw new Refuted(`the bytes of output ${otherHash} are missing`);
  }
  const agreement = agree(comparison.codec, comparison.profile, one, other);
  if (agreement.agrees) throw new Refuted("the outputs agree under the model's profile");
  return agreement.reason;
}

function outputOf({ statements, outputs }: EvidenceProof, outputHash: Hex): Hex | undefined {
  const said = statements.flatMap((statement) => ("output" in statement ? [statement.output] : []));
  return [...outputs, ...said].find((output) => keccak256(output) === outputHash);
}
