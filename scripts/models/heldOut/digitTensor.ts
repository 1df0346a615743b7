import { encodeInput } from "@sibyl/sdk";
import { type AnsweringModel, answersTo } from "../answering.ts";
import { measureClasses, verdictOf } from "./classification.ts";
import { heldOutDigits } from "./digits.ts";
import type { Figures } from "./figures.ts";

const UINT8 = 2;

/** The images that the network was not trained on, as pixels. */
export async function measureDigits(model: AnsweringModel): Promise<Record<string, Figures>> {
  const digits = await heldOutDigits();
  const inputs = digits.map(({ image }) =>
    encodeInput("tensor", {
      dtype: UINT8,
      shape: [1, 28, 28],
      data: `0x${Buffer.from(image).toString("hex")}`,
    }),
  );
  const answers = await answersTo(model, inputs);
  return {
    heldOut: measureClasses(
      digits.map(({ label }) => label),
      answers.map((answer) => verdictOf(model.manifest, answer)),
    ),
  };
}
