import { encodeRawText } from "@sibyl/sdk/codec/text";
import { z } from "zod";
import { inferenceError } from "../inferenceError.ts";
import { checkCodec, graphPort, resultOf } from "./graphPort.ts";
import { imageFeeds, imagePlan } from "./imageInput.ts";
import type { TaskFactory } from "./task.ts";

const ocrTask = z.object({
  /** Of the manifest's files: the symbols of class 1 and up, one a line; class 0 is the blank. */
  dictionary: z.string(),
  /** Whether one more class, the last, is the space. */
  appendSpace: z.boolean().default(false),
  /** Mean probability of a line's symbols below which it reads as empty. */
  minConfidence: z.number().min(0).max(1),
});

/**
 * The image of one line of text to the text.
 *
 * Manifest: `task {type: "ocr-line", image, dictionary, minConfidence, appendSpace?, input?, output?}`, input codec
 * `bytes`, output codec `text`. The graph gives probabilities float32[rows, steps, classes] that are read by greedy CTC.
 * An empty text means that nothing legible was found.
 */
export const ocrLine: TaskFactory = (manifest, signature) => {
  checkCodec(manifest, "output", ["text"]);
  const preparation = imagePlan(manifest, signature);
  const output = graphPort(manifest, signature, "output");
  const parsed = ocrTask.safeParse(manifest.task);
  if (!parsed.success) throw unfit(manifest.name, `task of the manifest: ${z.prettifyError(parsed.error)}`);
  const { dictionary, appendSpace, minConfidence } = parsed.data;
  if (!manifest.files.some(({ path }) => path === dictionary)) {
    throw unfit(manifest.name, `task.dictionary ${dictionary} is not among the manifest's files`);
  }
  return {
    fetches: [output.name],
    work: {
      preparation,
      reading: { kind: "ctc", output: output.name, dictionary, appendSpace, minConfidence },
    },
    feeds: imageFeeds,
    output: (results) => encodeRawText(String(resultOf(results, "text").data[0])),
  };
};

const unfit = (model: string, reason: string) =>
  inferenceError("model-failed", reason, { meta: { model, reason } });
