import type { AnsweringModel } from "../answering.ts";
import { measureDigitImage } from "./digitImage.ts";
import { measureDigits } from "./digitTensor.ts";
import { measureDrawdown } from "./drawdown.ts";
import type { Figures } from "./figures.ts";
import { measureIris } from "./iris.ts";
import { measureMobyLm } from "./mobyLm.ts";
import { measureOcrLine } from "./ocrLine.ts";
import { measureSentenceEmbedding } from "./sentenceEmbedding.ts";
import { measureSpamText } from "./spamText.ts";

/** How each model is measured, by its folder; sections and figures are named as in its manifest's `metrics`. */
export const MEASURES: Readonly<Record<string, (model: AnsweringModel) => Promise<Record<string, Figures>>>> =
  {
    "digit-image": measureDigitImage,
    digits: measureDigits,
    drawdown: measureDrawdown,
    iris: measureIris,
    "moby-lm": measureMobyLm,
    "ocr-line": measureOcrLine,
    "sentence-embedding": measureSentenceEmbedding,
    "spam-text": measureSpamText,
  };
