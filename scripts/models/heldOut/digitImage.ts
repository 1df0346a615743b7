import { encodeInput } from "@sibyl/sdk";
import type { Hex } from "viem";
import { type AnsweringModel, answersTo } from "../answering.ts";
import { digitPng } from "../digit-image/draw.ts";
import { measureClasses, verdictOf } from "./classification.ts";
import { type Digit, heldOutDigits } from "./digits.ts";
import type { Figures } from "./figures.ts";

/** How much larger than the network's own 28 pixels the second series is. */
const ENLARGED = 5;
const ENLARGED_IMAGES = 500;

/** Held-out digits as PNGs of their own size, and some much larger. */
export async function measureDigitImage(model: AnsweringModel): Promise<Record<string, Figures>> {
  const digits = await heldOutDigits();
  const series = async (chosen: readonly Digit[], scale: number) => {
    const inputs: Hex[] = [];
    for (const { image } of chosen) {
      inputs.push(encodeInput("bytes", `0x${(await digitPng(image, scale)).toString("hex")}`));
    }
    const answers = await answersTo(model, inputs);
    return measureClasses(
      chosen.map(({ label }) => label),
      answers.map((answer) => verdictOf(model.manifest, answer)),
    );
  };
  return {
    heldOut: await series(digits, 1),
    heldOutEnlarged: await series(digits.slice(0, ENLARGED_IMAGES), ENLARGED),
  };
}
