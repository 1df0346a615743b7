import type { Hex } from "viem";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { checkConfidence } from "./classification.ts";
import { ShapeMismatchError } from "./errors.ts";
import { checkUint32, checkUint256 } from "./ranges.ts";
import { emptyWords, hexOf, WORD, writeWord } from "./words.ts";

/**
 * A classification with the score of every class:
 * `abi.encode(uint32 label, uint256 confidenceWad, uint256[] scoresWad)`.
 */
export interface Scores {
  label: number;
  /** WAD, 0 to 1e18. */
  confidence: bigint;
  /** WAD, by label. */
  scores: readonly bigint[];
}

const SCORES = [
  { name: "label", type: "uint32" },
  { name: "confidence", type: "uint256" },
  { name: "scores", type: "uint256[]" },
] as const;

/** @throws OutOfRangeError, or ShapeMismatchError when the label has no score. */
export function encodeScores({ label, confidence, scores }: Scores): Hex {
  checkUint32("label", label);
  checkConfidence(confidence);
  checkLabelHasScore(label, scores);
  for (const [index, score] of scores.entries()) checkUint256(`scores[${index}]`, score);
  const words = emptyWords(4 + scores.length);
  for (const [index, value] of [label, confidence, 3 * WORD, scores.length, ...scores].entries()) {
    writeWord(words, index * WORD, value);
  }
  return hexOf(words);
}

/** @throws AbiDecodingError, NonCanonicalError, OutOfRangeError, ShapeMismatchError. */
export function decodeScores(output: Hex): Scores {
  const [label, confidence, scores] = decodeCanonicalAbi(SCORES, output, "scores");
  checkConfidence(confidence);
  checkLabelHasScore(label, scores);
  return { label, confidence, scores };
}

function checkLabelHasScore(label: number, scores: readonly bigint[]): void {
  if (label >= scores.length) {
    throw new ShapeMismatchError("The label has no score.", {
      details: `label ${label}, ${scores.length} scores`,
    });
  }
}
