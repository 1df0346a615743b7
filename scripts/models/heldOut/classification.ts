import { decodeOutput, type ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Figures } from "./figures.ts";

/** An answer's class, and the score of each class where the output has them. */
export interface Verdict {
  label: number;
  /** 0 to 1. */
  confidence: number;
  scores: readonly number[];
}

export function verdictOf({ output: { codec } }: Pick<ModelManifest, "output">, output: Hex): Verdict {
  const unit = (wad: bigint) => Number(wad) / 1e18;
  if (codec === "scores") {
    const { label, confidence, scores } = decodeOutput("scores", output);
    return { label, confidence: unit(confidence), scores: scores.map(unit) };
  }
  const { label, confidence } = decodeOutput("classification", output);
  return { label, confidence: unit(confidence), scores: [] };
}

/** Accuracy, and the expected calibration error over ten equal bins of confidence from 0 to 1. */
export function measureClasses(labels: readonly number[], verdicts: readonly Verdict[]): Figures {
  const bins = Array.from({ length: 10 }, () => ({ right: 0, confidence: 0 }));
  let right = 0;
  for (const [at, { label, confidence }] of verdicts.entries()) {
    const bin = bins[Math.min(9, Math.floor(confidence * 10))] as (typeof bins)[number];
    const isRight = label === labels[at] ? 1 : 0;
    bin.confidence += confidence;
    bin.right += isRight;
    right += isRight;
  }
  const gap = bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0);
  return {
    rows: labels.length,
    accuracy: Number((right / labels.length).toFixed(4)),
    ece: Number((gap / labels.length).toFixed(4)),
  };
}
