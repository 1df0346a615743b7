import type { Hex } from "viem";
import { OutOfRangeError } from "../errors.ts";
import { WAD } from "../fixedPoint.ts";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { checkUint32 } from "./ranges.ts";
import { emptyWords, hexOf, WORD, writeWord } from "./words.ts";

/** Which class, and how sure the model is: `abi.encode(uint32 label, uint256 confidenceWad)`. */
export interface Classification {
  label: number;
  /** WAD, 0 to 1e18. */
  confidence: bigint;
}

const CLASSIFICATION = [
  { name: "label", type: "uint32" },
  { name: "confidence", type: "uint256" },
] as const;

/** @throws OutOfRangeError when the label is no uint32 or the confidence not within 0 and 1e18. */
export function encodeClassification({ label, confidence }: Classification): Hex {
  checkUint32("label", label);
  checkConfidence(confidence);
  const words = emptyWords(2);
  writeWord(words, 0, label);
  writeWord(words, WORD, confidence);
  return hexOf(words);
}

/** @throws AbiDecodingError, NonCanonicalError, OutOfRangeError. */
export function decodeClassification(output: Hex): Classification {
  const [label, confidence] = decodeCanonicalAbi(CLASSIFICATION, output, "classification");
  checkConfidence(confidence);
  return { label, confidence };
}

/** A confidence is a probability: 0 to 1e18. */
export function checkConfidence(confidence: bigint): void {
  if (confidence < 0n || confidence > WAD) throw new OutOfRangeError("confidence", confidence, "0 to 1e18");
}
