import type { Hex } from "viem";
import { OutOfRangeError } from "../errors.ts";
import { WAD } from "../fixedPoint.ts";
import { encodeAbi } from "./abi.ts";
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

/** Label, confidence, scores. */
const SCORES = ["uint32", "uint256", "uint256[]"] as const;

/** @throws OutOfRangeError, or ShapeMismatchError when the label has no score. */
export function encodeScores(scores: Scores): Hex {
  return hexOf(encodeRawScores(scores));
}

/**
 * As `encodeScores`, as bytes.
 *
 * @throws OutOfRangeError, ShapeMismatchError.
 */
export function encodeRawScores({ label, confidence, scores }: Scores): Uint8Array {
  checkUint32("label", label);
  checkConfidence(confidence);
  checkLabelHasScore(label, scores);
  for (const [index, score] of scores.entries()) checkUint256("scores", score, index);
  return encodeAbi(SCORES, [label, confidence, scores]);
}

/**
 * As `encodeRawScores`, the highest score being the label (of equal ones the first) and the confidence, from scores as a
 * graph gives them. Without a bigint for any of them: this is most of what a small model's answer costs.
 *
 * @throws OutOfRangeError when a score is not within 0 and 1e18, or ShapeMismatchError when there is none.
 */
export function encodeRawWadScores(scores: BigInt64Array): Uint8Array {
  const label = highestWad(scores);
  const parts = halvesOf(scores);
  const words = emptyWords(4 + scores.length);
  writeWord(words, 0, label);
  writeHalves(words, WORD, parts, label);
  writeWord(words, 2 * WORD, 3 * WORD);
  writeWord(words, 3 * WORD, scores.length);
  for (let index = 0; index < scores.length; index += 1) writeHalves(words, (4 + index) * WORD, parts, index);
  return new Uint8Array(words.buffer);
}

/**
 * The place of the highest score, of equal ones the first.
 *
 * @throws OutOfRangeError when a score is not within 0 and 1e18, or ShapeMismatchError when there is none.
 */
export function highestWad(scores: BigInt64Array): number {
  checkLabelHasScore(0, scores);
  const parts = halvesOf(scores);
  let label = 0;
  for (let index = 0; index < scores.length; index += 1) {
    const [high, low] = [parts.getInt32(8 * index + 4, true), parts.getUint32(8 * index, true)];
    if (high < 0 || high > WAD_HIGH || (high === WAD_HIGH && low > WAD_LOW))
      throw new OutOfRangeError(`scores[${index}]`, scores[index] as bigint, "0 to 1e18");
    const best = parts.getInt32(8 * label + 4, true);
    if (high > best || (high === best && low > parts.getUint32(8 * label, true))) label = index;
  }
  return label;
}

const WAD_HIGH = Number(WAD >> 32n);
const WAD_LOW = Number(WAD & 0xffff_ffffn);

/** Every platform that the runtime has a build for keeps the lower half first. */
const halvesOf = ({ buffer, byteOffset, byteLength }: BigInt64Array) =>
  new DataView(buffer, byteOffset, byteLength);

function writeHalves(words: DataView, offset: number, parts: DataView, index: number): void {
  words.setInt32(offset + 24, parts.getInt32(8 * index + 4, true));
  words.setUint32(offset + 28, parts.getUint32(8 * index, true));
}

/** @throws AbiDecodingError, NonCanonicalError, OutOfRangeError, ShapeMismatchError. */
export function decodeScores(output: Hex): Scores {
  const [label, confidence, scores] = decodeCanonicalAbi(SCORES, output, "scores");
  checkConfidence(confidence);
  checkLabelHasScore(label, scores);
  return { label, confidence, scores };
}

function checkLabelHasScore(label: number, scores: { length: number }): void {
  if (label >= scores.length) {
    throw new ShapeMismatchError("The label has no score.", {
      details: `label ${label}, ${scores.length} scores`,
    });
  }
}
