import type { RawTensor } from "./messages.ts";
import { ProcessFailure } from "./processFailure.ts";

/** How the probabilities of a text line are read. */
export interface CtcPlan {
  kind: "ctc";
  /** The graph's output, float32[1, steps, classes]; class 0 is the blank. */
  output: string;
  /** Path in the manifest of the symbols, one a line, of class 1 and up. */
  dictionary: string;
  /** Whether one more class, the last, is the space. */
  appendSpace: boolean;
  /** Mean probability of a line's symbols below which nothing counts as read; 0 to 1. */
  minConfidence: number;
}

/**
 * Greedy CTC decoding: of each step the likeliest class (of equal ones the lowest), of equal neighbours the first, no
 * blanks, and no space at either end.
 *
 * A line whose symbols have a mean probability below `minConfidence` reads as no text at all: letters made of a stain
 * would be worse.
 *
 * @throws ProcessFailure `bad-output` when the tensor is no row of probabilities of these symbols.
 */
export function readCtc(tensor: RawTensor, symbols: readonly string[], minConfidence: number): string {
  const { data, dims } = tensor;
  const [rows, steps = 0, classes = 0] = dims;
  if (!(data instanceof Float32Array) || dims.length !== 3 || rows !== 1 || classes !== symbols.length + 1) {
    throw new ProcessFailure(
      "bad-output",
      `probabilities of shape ${tensor.type}[${dims.join(",")}], float32[1,steps,${symbols.length + 1}] wanted`,
    );
  }
  let [text, sum, count, previous] = ["", 0, 0, 0];
  for (let step = 0; step < steps; step += 1) {
    const start = step * classes;
    let best = 0;
    for (let at = 0; at < classes; at += 1) {
      const probability = data[start + at] as number;
      if (!Number.isFinite(probability)) {
        throw new ProcessFailure(
          "bad-output",
          `the probability of class ${at} in step ${step} is ${probability}`,
        );
      }
      if (probability > (data[start + best] as number)) best = at;
    }
    if (best !== 0 && best !== previous) {
      text += symbols[best - 1];
      sum += data[start + best] as number;
      count += 1;
    }
    previous = best;
  }
  return count === 0 || sum / count < minConfidence ? "" : text.trim();
}
