import type { ImageInput } from "@sibyl/sdk";
import sharp from "sharp";
import type { RawTensor } from "./messages.ts";
import { ProcessFailure } from "./processFailure.ts";
import { type Raster, resample } from "./resample.ts";

/** How a graph takes an image. */
export interface ImagePlan {
  kind: "image";
  /** The graph's input. */
  input: string;
  type: "float32" | "uint8";
  image: ImageInput;
}

// Nothing is seen twice, and the process has as many threads as the operator gave it.
sharp.cache(false);
sharp.concurrency(1);
// libvips reads many formats, some of them programs; these are the ones that a manifest can name.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["VipsForeignLoadPngBuffer", "VipsForeignLoadJpegBuffer", "VipsForeignLoadWebpBuffer"],
});

/** What decodes, in words for the runtime's fingerprint. */
export const IMAGE_LIBRARY = `sharp@${sharp.versions.sharp ?? "unknown"} libvips@${sharp.versions.vips}`;

/**
 * An encoded image as a graph's tensor, one row.
 *
 * @throws ProcessFailure `bad-input` when it is none of the formats, too large, broken, or does not fit.
 */
export async function imageTensor({ image, type }: ImagePlan, bytes: Uint8Array): Promise<RawTensor> {
  const decoded = await decode(image, bytes);
  const raster = resized(image, channelsOf(image, decoded));
  return tensorOf(image, type, raster);
}

const READING = { failOn: "warning", ignoreIcc: true, autoOrient: true, sequentialRead: true } as const;

/** Red, green and blue, with alpha as a fourth channel where the image has it. */
async function decode({ formats, maxPixels }: ImageInput, bytes: Uint8Array): Promise<Raster> {
  const format = formatOf(bytes);
  if (format === null || !formats.includes(format)) {
    throw badInput(`the image is ${format ?? "of no known format"}, ${formats.join(" or ")} wanted`);
  }
  if (isAnimated(format, bytes)) throw await refusal(format, maxPixels, bytes, "it moves");
  // One pass for an image that is well: each costs the way to another thread and back. The size is checked against the
  // header, before anything is decoded.
  const decoding = sharp(bytes, { ...READING, limitInputPixels: maxPixels })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { data, info } = await decoding.catch(async (error: unknown) => {
    throw await refusal(format, maxPixels, bytes, error);
  });
  const { width, height, channels } = info;
  if (channels !== 3 && channels !== 4)
    throw badInput(`the image has ${channels} channels once decoded, 3 or 4 wanted`);
  return { width, height, channels, data };
}

/** By its first bytes. */
function formatOf(bytes: Uint8Array): ImageInput["formats"][number] | null {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.length)).toString("latin1");
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (start.startsWith("\xff\xd8\xff")) return "jpeg";
  return start.startsWith("RIFF") && start.startsWith("WEBP", 8) ? "webp" : null;
}

/** Whether an image says of itself that it has more than one frame; of the formats only WebP can. */
function isAnimated(format: string, bytes: Uint8Array): boolean {
  const extended = Buffer.from(
    bytes.buffer,
    bytes.byteOffset + 12,
    Math.min(9, Math.max(0, bytes.length - 12)),
  );
  return (
    format === "webp" && extended.toString("latin1", 0, 4) === "VP8X" && ((extended[8] ?? 0) & 0b10) !== 0
  );
}

/** What is wrong with an image that cannot be taken, in numbers where its header has them. */
async function refusal(
  format: string,
  maxPixels: number,
  bytes: Uint8Array,
  error: unknown,
): Promise<ProcessFailure> {
  try {
    const {
      width,
      height,
      pages = 1,
    } = await sharp(bytes, { ...READING, limitInputPixels: false }).metadata();
    if (width * height > maxPixels) {
      return badInput(`the image has ${width} x ${height} pixels, ${maxPixels} in all allowed`);
    }
    if (pages !== 1) return badInput(`the image has ${pages} frames, one wanted`);
  } catch {
    // Then the reason is the first one.
  }
  const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
  return badInput(`the ${format} cannot be decoded: ${reason}`);
}

/** Lays the image over its background and takes the channels that the graph wants. */
function channelsOf({ channels, background = 255, invert = false }: ImageInput, source: Raster): Raster {
  const { width, height, data: levels, channels: step } = source;
  const count = channels === "grey" ? 1 : 3;
  const data = new Uint8Array(width * height * count);
  const flip = invert ? 255 : 0;
  const first = channels === "bgr" ? 2 : 0;
  for (let at = 0, to = 0; to < data.length; at += step, to += count) {
    let red = levels[at] as number;
    let green = levels[at + 1] as number;
    let blue = levels[at + 2] as number;
    const alpha = step === 4 ? (levels[at + 3] as number) : 255;
    if (alpha !== 255) {
      red = over(red, alpha, background);
      green = over(green, alpha, background);
      blue = over(blue, alpha, background);
    }
    if (count === 1) {
      // Rec. 601 in 256ths.
      data[to] = ((77 * red + 150 * green + 29 * blue + 128) >> 8) ^ flip;
    } else {
      data[to + first] = red ^ flip;
      data[to + 1] = green ^ flip;
      data[to + 2 - first] = blue ^ flip;
    }
  }
  return { width, height, channels: count, data };
}

/** A level laid over a background; whole numbers, so every machine gets the same. */
function over(level: number, alpha: number, background: number): number {
  return ((level * alpha + background * (255 - alpha) + 127) / 255) | 0;
}

function resized({ resize, invert = false }: ImageInput, source: Raster): Raster {
  const whole = { left: 0, top: 0, width: source.width, height: source.height };
  switch (resize.mode) {
    case "stretch":
      return resample(source, whole, resize.width, resize.height);
    case "cover": {
      const scale = Math.min(source.width / resize.width, source.height / resize.height);
      const [width, height] = [resize.width * scale, resize.height * scale];
      const box = { left: (source.width - width) / 2, top: (source.height - height) / 2, width, height };
      return resample(source, box, resize.width, resize.height);
    }
    case "contain": {
      const scale = Math.min(resize.width / source.width, resize.height / source.height);
      const width = Math.max(1, Math.round(source.width * scale));
      const height = Math.max(1, Math.round(source.height * scale));
      const small = resample(source, whole, width, height);
      const [left, top] = [Math.floor((resize.width - width) / 2), Math.floor((resize.height - height) / 2)];
      return place(small, resize, left, top, invert ? 255 - resize.fill : resize.fill);
    }
    case "height": {
      const width = Math.max(1, Math.round((source.width * resize.height) / source.height));
      if (width > resize.maxWidth) {
        throw badInput(
          `${source.width} x ${source.height} pixels are ${width} wide at ${resize.height} high, ${resize.maxWidth} allowed`,
        );
      }
      const small = resample(source, whole, width, resize.height);
      const frame = { width: Math.max(width, resize.minWidth), height: resize.height };
      return place(small, frame, 0, 0, invert ? 255 - resize.fill : resize.fill);
    }
  }
}

function place(
  { width, height, channels, data }: Raster,
  frame: { width: number; height: number },
  left: number,
  top: number,
  fill: number,
): Raster {
  if (frame.width === width && frame.height === height) return { width, height, channels, data };
  const all = new Uint8Array(frame.width * frame.height * channels).fill(fill);
  for (let row = 0; row < height; row += 1) {
    const line = data.subarray(row * width * channels, (row + 1) * width * channels);
    all.set(line, ((top + row) * frame.width + left) * channels);
  }
  return { width: frame.width, height: frame.height, channels, data: all };
}

function tensorOf(
  { layout, mean = [0], std = [1] }: ImageInput,
  type: ImagePlan["type"],
  raster: Raster,
): RawTensor {
  const { width, height, channels, data } = raster;
  const dims = {
    nchw: [1, channels, height, width],
    nhwc: [1, height, width, channels],
    nhw: [1, height, width],
  };
  const pixels = width * height;
  if (type === "uint8" && (layout !== "nchw" || channels === 1)) return { type, dims: dims[layout], data };
  const planar = layout === "nchw";
  const values = type === "uint8" ? new Uint8Array(data.length) : new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel += 1) {
    const middle = mean[channel] ?? (mean[0] as number);
    const spread = std[channel] ?? (std[0] as number);
    // A byte has 256 values.
    const valueOfLevel = Float64Array.from({ length: 256 }, (_, level) =>
      type === "uint8" ? level : (level / 255 - middle) / spread,
    );
    const step = planar ? 1 : channels;
    let to = planar ? channel * pixels : channel;
    for (let from = channel; from < data.length; from += channels, to += step) {
      values[to] = valueOfLevel[data[from] as number] as number;
    }
  }
  return { type, dims: dims[layout], data: values };
}

const badInput = (message: string) => new ProcessFailure("bad-input", message);
