import type { Hex } from "viem";
import { OutOfRangeError } from "../errors.ts";
import { WAD } from "../fixedPoint.ts";
import { encodeAbi } from "./abi.ts";
import { decodeCanonicalAbi } from "./canonicalAbi.ts";
import { checkUint32 } from "./ranges.ts";
import { hexOf } from "./words.ts";

/** Which class, and how sure the model is: `abi.encode(uint32 label, uint256 confidenceWad)`. */
export interface Classification {
  label: number;
  /** WAD, 0 to 1e18. */
  confidence: bigint;
}

/** Label, confidence. */
const CLASSIFICATION = ["uint32", "uint256"] as const;

/** @throws OutOfRangeError when the label is no uint32 or the confidence not within 0 and 1e18. */
export function encodeClassification(classification: Classification): Hex {
  return hexOf(encodeRawClassification(classification));
}

/**
 * As `encodeClassification`, as bytes.
 *
 * @throws OutOfRangeError.
 */
export function encodeRawClassification({ label, confidence }: Classification): Uint8Array {
  checkUint32("label", label);
  checkConfidence(confidence);
  return encodeAbi(CLASSIFICATION, [label, confidence]);
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
