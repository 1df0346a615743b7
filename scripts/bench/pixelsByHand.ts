import type { ImageInput } from "@sibyl/sdk";
import sharp from "sharp";
import type { HandTensor } from "./byHand.ts";

/**
 * An encoded image as a graph's tensor, all of it by sharp: decoded, flattened, resized by libvips' own arithmetic. Near
 * enough to the canonical pixels for the same label, and as fast as a library does it.
 *
 * @throws Error for an image that the benched models do not take.
 */
export async function pixelsByHand(
  { resize, channels, layout, invert = false }: ImageInput,
  bytes: Uint8Array,
): Promise<HandTensor> {
  if (layout === "nhw" && resize.mode === "contain" && channels === "grey") {
    const { width, height } = resize;
    const grey = await sharp(bytes)
      .flatten({ background: "white" })
      .resize(width, height, { fit: "contain", background: "white", kernel: "linear" })
      .greyscale()
      .extractChannel(0)
      .raw()
      .toBuffer();
    const data = Uint8Array.from(grey, (level) => (invert ? 255 - level : level));
    return { type: "uint8", dims: [1, height, width], data };
  }
  if (layout === "nchw" && resize.mode === "height" && channels === "bgr") {
    const { height, minWidth, fill } = resize;
    const { data, info } = await sharp(bytes)
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .resize({ height, kernel: "linear" })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const width = Math.max(info.width, minWidth);
    const levels = new Float32Array(3 * height * width).fill(fill / 127.5 - 1);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < info.width; x += 1) {
        const from = (y * info.width + x) * info.channels;
        const to = y * width + x;
        levels[to] = (data[from + 2] as number) / 127.5 - 1;
        levels[height * width + to] = (data[from + 1] as number) / 127.5 - 1;
        levels[2 * height * width + to] = (data[from] as number) / 127.5 - 1;
      }
    }
    return { type: "float32", dims: [1, 3, height, width], data: levels };
  }
  throw new Error(`nothing is written for images by ${resize.mode}, ${channels}, ${layout}`);
}
