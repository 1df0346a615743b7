import { createHash } from "node:crypto";
import type { GenerationPlan } from "./messages.ts";

/** Numbers from 0 to 1, 1 excluded, that follow from a text: SHA-256 of it and a counter, 48 bits each. */
export function* seededFractions(seed: string): Generator<number, never> {
  for (let count = 0; ; count += 1) {
    yield createHash("sha256").update(`${count}\n${seed}`).digest().readUIntBE(0, 6) / 2 ** 48;
  }
}

/**
 * The next token: the highest score, of equal ones the lowest token, or one of the `topK` highest drawn with
 * probabilities softmax(score / temperature).
 *
 * @param fractions Gives one number per draw.
 */
export function chooseToken(
  logits: Float32Array,
  sampling: GenerationPlan["sampling"],
  fractions: Iterator<number>,
): number {
  const best = logits.reduce((top, score, token) => (score > (logits[top] as number) ? token : top), 0);
  if (sampling === undefined) return best;
  const scoreOf = (token: number) => logits[token] as number;
  // Equal scores in order of their tokens, so that every machine has the same candidates.
  const ranked = Array.from(logits.keys()).sort((a, b) => scoreOf(b) - scoreOf(a) || a - b);
  const candidates = ranked.slice(0, sampling.topK);
  const powers = candidates.map((token) => Math.exp((scoreOf(token) - scoreOf(best)) / sampling.temperature));
  let left = (fractions.next().value ?? 0) * powers.reduce((sum, power) => sum + power, 0);
  const at = powers.findIndex((power) => {
    left -= power;
    return left < 0;
  });
  return candidates[at === -1 ? candidates.length - 1 : at] as number;
}
