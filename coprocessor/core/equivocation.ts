import { attestationIn, type Finding } from "./evidence.ts";
import type { CommitMessage, PeerMessage } from "./messages.ts";

/**
 * What a message proves together with what was heard before: two statements of its operator that exclude each other.
 *
 * Signatures are checked by the caller. A second version of what an operator said never counts in the ballot; here it is
 * what matters.
 *
 * @param exact Whether honest outputs cannot differ, so that views do not matter.
 * @returns at most one finding for each offence; the earliest statement stands first.
 */
export function findEquivocations(
  heard: readonly PeerMessage[],
  message: PeerMessage,
  exact: boolean,
): Finding[] {
  const { operatorId } = message;
  const earlier = heard.filter((other) => other.operatorId === operatorId);
  const findings = [twoOutputs(earlier, message, exact)];
  if (message.kind === "commit") findings.push(twoCommitments(earlier, message));
  return findings.filter((finding) => finding !== null);
}

function twoOutputs(earlier: readonly PeerMessage[], message: PeerMessage, exact: boolean): Finding | null {
  const second = attestationIn(message);
  if (second === null) return null;
  const conflicting = earlier.filter((other) => {
    const first = attestationIn(other);
    return first !== null && first.outputHash !== second.outputHash && (exact || first.view === second.view);
  });
  // One view is the stronger proof: it needs no word about the model.
  const first = conflicting.find((other) => attestationIn(other)?.view === second.view) ?? conflicting[0];
  const said = first === undefined ? null : attestationIn(first);
  if (first === undefined || said === null) return null;
  const across = said.view !== second.view;
  return {
    operatorId: message.operatorId,
    offence: across ? "two-outputs-across-views" : "two-outputs",
    fact:
      `attested output ${said.outputHash} in view ${said.view} and output ${second.outputHash} in view ${second.view}` +
      (across ? " of an exact model" : ""),
    statements: [first, message],
    outputs: [],
    ours: null,
  };
}

function twoCommitments(earlier: readonly PeerMessage[], message: CommitMessage): Finding | null {
  const first = earlier.find((other) => other.kind === "commit" && other.commitment !== message.commitment);
  if (first?.kind !== "commit") return null;
  return {
    operatorId: message.operatorId,
    offence: "two-commitments",
    fact: `committed to ${first.commitment} and to ${message.commitment}`,
    statements: [first, message],
    outputs: [],
    ours: null,
  };
}
