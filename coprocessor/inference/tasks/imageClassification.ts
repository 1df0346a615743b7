import { encodeClassScores, scoreKind } from "./classScores.ts";
import { checkCodec, graphPort, resultOf } from "./graphPort.ts";
import { imageFeeds, imagePlan } from "./imageInput.ts";
import type { TaskFactory } from "./task.ts";

/**
 * An encoded image to a label.
 *
 * Manifest: `task {type: "image-classification", image, input?, output?, scores}`, input codec `bytes`, output codec
 * `classification` or `scores`; `image` as in `sdk/imageInput.ts`, `scores` as in text-classification.
 */
export const imageClassification: TaskFactory = (manifest, signature) => {
  checkCodec(manifest, "output", ["classification", "scores"]);
  const preparation = imagePlan(manifest, signature);
  const output = graphPort(manifest, signature, "output");
  const kind = scoreKind(manifest);
  return {
    fetches: [output.name],
    work: { preparation, reading: null },
    feeds: imageFeeds,
    output: (results) => encodeClassScores(manifest, kind, resultOf(results, output.name)),
  };
};
