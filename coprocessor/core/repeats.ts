import type { PeerMessage } from "./messages.ts";

/**
 * What of an operator's own statements about one request is worth saying again.
 *
 * Its reveal carries its commitment, so whoever lacks the one gets it with the other.
 */
export function worthRepeating(said: readonly PeerMessage[]): PeerMessage[] {
  const carried = new Set(
    said.flatMap((message) => (message.kind === "reveal" ? message.commits.map((one) => one.signature) : [])),
  );
  return said.filter((message) => message.kind !== "commit" || !carried.has(message.signature));
}
