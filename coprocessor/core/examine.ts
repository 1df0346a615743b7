import { agree, type ComparisonRule } from "@sibyl/sdk";
import { keccak256 } from "@sibyl/sdk/keccak256";
import type { Hex } from "viem";
import type { Ballot } from "./ballot.ts";
import { attestationIn, type Finding } from "./evidence.ts";
import type { CommitMessage, PeerMessage, RevealMessage } from "./messages.ts";
import { revealOpening } from "./revealOpening.ts";

/** A request that is over, or proposed, as this node saw it. */
export interface ExaminedRequest {
  me: number;
  requestId: Hex;
  /** Of its own agreement: a dispute's jury has another than the request that it is about. */
  quorum: number;
  comparison: ComparisonRule;
  /** Everything that drawn operators said, in order of arrival, late and second versions included. */
  heard: readonly PeerMessage[];
  ballot: Ballot;
  /** Null when we never computed one: then nothing disagrees with it. */
  ours: Hex | null;
  /** What the chain took, and in which transaction; null when it took nothing, or bytes that we do not know. */
  answer: { output: Hex; transaction: Hex | null } | null;
  /** Nobody answered in time. */
  expired: boolean;
}

/**
 * Looks through a request for what its operators can be held to: broken commitments, and answers beyond the model's
 * profile of our own.
 *
 * Equivocations are found as they are heard (`findEquivocations`). A commitment that we only did not hear being opened is
 * `unopened`: the operator may be able to, which is what a demand is for.
 */
export function examine(request: ExaminedRequest): Finding[] {
  const others = [...new Set(request.heard.map(({ operatorId }) => operatorId))].filter(
    (operatorId) => operatorId !== request.me,
  );
  const found = others.flatMap((operatorId) => [
    ...brokenCommitment(request, operatorId),
    ...disagreement(request, operatorId),
  ]);
  return [...found, ...unattributed(request, found)];
}

function brokenCommitment(request: ExaminedRequest, operatorId: number): Finding[] {
  const said = request.heard.filter((message) => message.operatorId === operatorId);
  const [commit] = said.filter((message) => message.kind === "commit");
  if (commit === undefined) return [];
  const attestations = said.filter((message) => attestationIn(message) !== null);
  const opening = openingOf(said, commit);
  if (opening === null) {
    const [attestation] = attestations;
    if (attestation !== undefined) {
      const attested = attestationIn(attestation);
      const fact = `attested output ${attested?.outputHash} in view ${attested?.view}; its commitment ${commit.commitment} was never opened to us`;
      return [
        against(operatorId, "unopened", fact, [commit, attestation], outputsOf(request, [attestation])),
      ];
    }
    const { timely, cutOffAt } = request.ballot;
    const wasDue = request.expired && timely.has(operatorId) && timely.size >= request.quorum;
    if (!wasDue) return [];
    const fact = `committed to ${commit.commitment} with ${timely.size - 1} others, and never opened it${cutOffAt === null ? "" : " though others did"}; the request expired`;
    return [against(operatorId, "withheld", fact, [commit], [])];
  }
  const { outputHash } = revealOpening(opening);
  for (const attestation of attestations) {
    const attested = attestationIn(attestation);
    if (attested === null || attested.outputHash === outputHash) continue;
    const difference = differenceFrom(request, opening.output, attested.outputHash);
    if (difference === null) continue;
    const fact = `opened its commitment ${commit.commitment} and attested another answer in view ${attested.view}: ${difference}`;
    const statements = [commit, trimmed(opening, commit), attestation];
    return [against(operatorId, "opened-otherwise", fact, statements, outputsOf(request, [attestation]))];
  }
  return [];
}

/** Why an attested output is another answer than an opened one; null when it is none, or its bytes are not known. */
function differenceFrom(request: ExaminedRequest, opened: Hex, attestedHash: Hex): string | null {
  const { codec, profile } = request.comparison;
  const attested = outputNamed(request, attestedHash);
  if (attested === undefined) {
    return profile.kind === "exact" ? `the profile is exact and ${attestedHash} is another output` : null;
  }
  const comparison = agree(codec, profile, opened, attested);
  return comparison.agrees ? null : comparison.reason;
}

function disagreement(request: ExaminedRequest, operatorId: number): Finding[] {
  const { ours, answer, comparison, heard } = request;
  if (ours === null) return [];
  const said = heard.filter((message) => message.operatorId === operatorId);
  const [commit] = said.filter((message) => message.kind === "commit");
  const found: Finding[] = [];
  const opening = commit === undefined ? null : openingOf(said, commit);
  if (commit !== undefined && opening !== null) {
    const opened = agree(comparison.codec, comparison.profile, ours, opening.output);
    if (!opened.agrees) {
      const fact = `opened an output that is not ours: ${opened.reason}`;
      const statements = [commit, trimmed(opening, commit)];
      found.push({ ...against(operatorId, "revealed-otherwise", fact, statements, []), ours });
    }
  }
  if (answer === null) return found;
  const taken = agree(comparison.codec, comparison.profile, ours, answer.output);
  if (taken.agrees) return found;
  const outputHash = keccak256(answer.output);
  const attestation = said.find((message) => attestationIn(message)?.outputHash === outputHash);
  if (attestation === undefined) return found;
  const fact = `attested the output that the chain took, and it is not ours: ${taken.reason}`;
  found.push({ ...against(operatorId, "attested-otherwise", fact, [attestation], [answer.output]), ours });
  return found;
}

/** The chain's answer is not ours, and no attester of it was heard. */
function unattributed({ ours, answer, comparison }: ExaminedRequest, found: readonly Finding[]): Finding[] {
  if (ours === null || answer === null) return [];
  if (found.some(({ offence }) => offence === "attested-otherwise")) return [];
  const taken = agree(comparison.codec, comparison.profile, ours, answer.output);
  if (taken.agrees) return [];
  const where = answer.transaction === null ? "" : ` in transaction ${answer.transaction}`;
  const fact = `the output that the chain took${where} is not ours: ${taken.reason}`;
  return [{ ...against(0, "settled-otherwise", fact, [], [answer.output]), ours }];
}

function openingOf(said: readonly PeerMessage[], commit: CommitMessage): RevealMessage | null {
  for (const message of said) if (message.kind === "reveal" && opens(message, commit)) return message;
  return null;
}

/** Whether a reveal opens a commitment. */
export const opens = (reveal: RevealMessage, commit: CommitMessage): boolean =>
  commit.operatorId === reveal.operatorId && commit.commitment === revealOpening(reveal).commitment;

const trimmed = (reveal: RevealMessage, commit: CommitMessage): RevealMessage => ({
  ...reveal,
  commits: [commit],
});

/** Attestations name outputs by hash; a proposal brings its bytes itself. */
function outputsOf(request: ExaminedRequest, statements: readonly PeerMessage[]): Hex[] {
  return statements.flatMap((message) => {
    if (message.kind !== "attestation") return [];
    const output = outputNamed(request, message.outputHash);
    return output === undefined ? [] : [output];
  });
}

function outputNamed({ ballot, answer, heard, ours }: ExaminedRequest, outputHash: Hex): Hex | undefined {
  const known = ballot.outputOf(outputHash);
  if (known !== undefined) return known;
  const said = heard.flatMap((message) => ("output" in message ? [message.output] : []));
  return [answer?.output, ours, ...said].find(
    (output): output is Hex => typeof output === "string" && keccak256(output) === outputHash,
  );
}

const against = (
  operatorId: number,
  offence: Finding["offence"],
  fact: string,
  statements: readonly PeerMessage[],
  outputs: readonly Hex[],
): Finding => ({ operatorId, offence, fact, statements, outputs, ours: null });
