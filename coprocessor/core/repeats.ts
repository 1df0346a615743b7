import type { CommitMessage, PeerMessage, RevealMessage } from "./messages.ts";

/**
 * What of an operator's own statements about one request is worth saying again.
 *
 * Its reveal carries its commitment, so whoever lacks the one gets it with the other.
 */
export function worthRepeating(said: readonly PeerMessage[]): PeerMessage[] {
  const carried = new Set(
    said.flatMap((message) => (message.kind === "reveal" ? message.commits.map(nameOf) : [])),
  );
  return said.filter((message) => message.kind !== "commit" || !carried.has(nameOf(message)));
}

/**
 * Commitments and reveals of others that are worth passing on when a request stays open for long; a reveal carries its own
 * operator's commitments.
 *
 * A cheat may tell one operator what it keeps from the others, and then fall silent. Honest operators that count different
 * reveals never find one median, so what one of them has heard the others must come to hear. What follows from it
 * (proposals and attestations) honest operators then say themselves.
 *
 * @param heard What was heard about the request.
 */
export function worthPassingOn(me: number, heard: readonly PeerMessage[]): PeerMessage[] {
  const others = heard.filter(({ operatorId }) => operatorId !== me);
  const commitments = others.filter((message) => message.kind === "commit");
  const reveals = others.flatMap((message) =>
    message.kind === "reveal"
      ? [{ ...message, commits: commitments.filter(({ operatorId }) => operatorId === message.operatorId) }]
      : [],
  );
  return worthRepeating([...commitments, ...reveals]);
}

/** Whether a reveal opens what another one opened, and brings no commitment that is not known. */
export function addsNothing(reveal: RevealMessage, heard: readonly PeerMessage[]): boolean {
  const known = new Set(heard.flatMap((message) => (message.kind === "commit" ? [nameOf(message)] : [])));
  return (
    reveal.commits.every((commit) => known.has(nameOf(commit))) &&
    heard.some(
      (message) =>
        message.kind === "reveal" &&
        message.operatorId === reveal.operatorId &&
        message.output === reveal.output &&
        message.salt === reveal.salt,
    )
  );
}

const nameOf = ({ operatorId, commitment }: CommitMessage): string => `${operatorId} ${commitment}`;
