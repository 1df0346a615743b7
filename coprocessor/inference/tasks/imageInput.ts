import type { ModelManifest } from "@sibyl/sdk";
import { decodeRawBytes } from "@sibyl/sdk/codec/bytes";
import type { ImagePlan } from "../imageTensor.ts";
import { inferenceError } from "../inferenceError.ts";
import type { GraphSignature, RawTensor } from "../messages.ts";
import { checkCodec, graphPort } from "./graphPort.ts";

/**
 * How a graph takes encoded images, from `task.image` of the manifest.
 *
 * @throws CoprocessorError `inference/model-failed` when the graph cannot take what the manifest makes.
 */
export function imagePlan(manifest: ModelManifest, signature: GraphSignature): ImagePlan {
  checkCodec(manifest, "input", ["bytes"]);
  const { image } = manifest.task;
  if (image === undefined) throw unfit(manifest, "task.image of the manifest says how images become tensors");
  const { name, type, shape } = graphPort(manifest, signature, "input");
  if (type !== "float32" && type !== "uint8")
    throw unfit(manifest, `${name} takes ${type}, an image is float32 or uint8`);
  const channels = image.channels === "grey" ? 1 : 3;
  const { resize, layout, mean, std } = image;
  if (layout === "nhw" && channels !== 1) throw unfit(manifest, "layout nhw is for grey images");
  for (const numbers of [mean, std]) {
    if (numbers && type === "uint8")
      throw unfit(manifest, `mean and std are for real numbers, ${name} takes uint8`);
    if (numbers && numbers.length !== 1 && numbers.length !== channels) {
      throw unfit(manifest, `${numbers.length} numbers given for ${channels} channels`);
    }
  }
  const width = resize.mode === "height" ? "width" : resize.width;
  const wanted = {
    nchw: [1, channels, resize.height, width],
    nhwc: [1, resize.height, width, channels],
    nhw: [1, resize.height, width],
  }[layout];
  const fits =
    shape.length === wanted.length &&
    shape.every((side, axis) => typeof side === "string" || side === wanted[axis]);
  if (!fits)
    throw unfit(manifest, `${name} takes [${shape.join(",")}], task.image makes [${wanted.join(",")}]`);
  return { kind: "image", input: name, type, image };
}

/** What a process gets of a request: the encoded image. */
export function imageFeeds(input: Uint8Array): Record<string, RawTensor> {
  const data = decodeRawBytes(input);
  if (data.length === 0) throw inferenceError("bad-input", "the image has no bytes");
  return { bytes: { type: "uint8", dims: [data.length], data } };
}

const unfit = (manifest: ModelManifest, reason: string) =>
  inferenceError("model-failed", reason, { meta: { model: manifest.name, reason } });
