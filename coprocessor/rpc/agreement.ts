import { CoprocessorError } from "../core/errors.ts";

/** What one endpoint said to a read: null is "not there", which a lagging endpoint says of what is new. */
export interface Answer<T> {
  endpoint: string;
  value: T;
}

/** Whether a read has been answered alike often enough; `dissent` names endpoints that said something else. */
export type Agreed<T> =
  | { type: "agreed"; value: T; dissent: string[] }
  | { type: "open" }
  | { type: "disagreement"; groups: string[][] };

/**
 * Compares answers of several endpoints to one read.
 *
 * An endpoint that has nothing (null) neither agrees nor disagrees, unless all have nothing.
 *
 * @param exhausted Whether no further endpoint can be asked.
 */
export function agreementOf<T>(answers: readonly Answer<T>[], quorum: number, exhausted: boolean): Agreed<T> {
  const groups = new Map<string, Answer<T>[]>();
  for (const answer of answers) {
    const text = canonical(answer.value);
    groups.set(text, [...(groups.get(text) ?? []), answer]);
  }
  const largest = [...groups.entries()]
    .filter(([text]) => text !== "null" || groups.size === 1)
    .map(([, group]) => group)
    .sort((a, b) => b.length - a.length)[0];
  if (largest?.[0] && largest.length >= quorum) {
    const dissent = [...groups.entries()]
      .filter(([text, group]) => text !== "null" && group !== largest)
      .flatMap(([, group]) => group.map(({ endpoint }) => endpoint));
    return { type: "agreed", value: largest[0].value, dissent };
  }
  const something = [...groups.entries()].filter(([text]) => text !== "null");
  if (!exhausted || something.length < 2) return { type: "open" };
  return {
    type: "disagreement",
    groups: something.map(([, group]) => group.map(({ endpoint }) => endpoint)),
  };
}

/** The same text for the same value; a schema has put the fields in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? `${item}n` : item)) ?? "null";
}

export function disagreement(method: string, groups: string[][]): CoprocessorError {
  return new CoprocessorError(
    `RPC endpoints contradict each other about ${method}: ${groups.map((group) => group.join(", ")).join(" against ")}`,
    { code: "rpc/disagreement", retry: "backoff", meta: { method, groups } },
  );
}
