import { decodeText } from "@sibyl/sdk/codec/text";
import { inferenceError } from "../inferenceError.ts";
import { encodeClassScores, scoreKind } from "./classScores.ts";
import { checkCodec, graphPort, resultOf, shapeFor } from "./graphPort.ts";
import type { TaskFactory } from "./task.ts";
import { textOf } from "./textInput.ts";
import { textFeeds, tokenPlan } from "./tokenInput.ts";

/**
 * Text to a label, for graphs that take strings, or tokens.
 *
 * Manifest: `task {type: "text-classification", input?, output?, scores: "probability" | "logit"}`, input codec `text`,
 * output codec `classification` or `scores`; for tokens also `tokenizer`, `maxTokens` and so on as in `tokenInput.ts`.
 */
export const textClassification: TaskFactory = (manifest, signature) => {
  checkCodec(manifest, "input", ["text"]);
  checkCodec(manifest, "output", ["classification", "scores"]);
  const output = graphPort(manifest, signature, "output");
  const kind = scoreKind(manifest);
  if (manifest.task.tokenizer !== undefined) {
    return {
      fetches: [output.name],
      work: { preparation: tokenPlan(manifest, signature), reading: null },
      feeds: textFeeds,
      output: (results) => encodeClassScores(manifest, kind, resultOf(results, output.name)),
    };
  }
  const input = graphPort(manifest, signature, "input");
  if (input.type !== "string") {
    throw inferenceError(
      "model-failed",
      `${input.name} takes ${input.type}, text-classification needs strings`,
      {
        meta: { model: manifest.name, input: input.name, type: input.type },
      },
    );
  }
  return {
    fetches: [output.name],
    feeds(bytes) {
      const text = textOf(decodeText(bytes));
      return { [input.name]: { type: "string", data: [text], dims: shapeFor(input, 1) } };
    },
    output: (results) => encodeClassScores(manifest, kind, resultOf(results, output.name)),
  };
};
