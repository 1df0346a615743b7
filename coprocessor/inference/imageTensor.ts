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

/** Four channels, red to alpha. */
async function decode({ formats, maxPixels }: ImageInput, bytes: Uint8Array): Promise<Raster> {
  const format = formatOf(bytes);
  if (format === null || !formats.includes(format)) {
    throw badInput(`the image is ${format ?? "of no known format"}, ${formats.join(" or ")} wanted`);
  }
  const source = sharp(bytes, {
    // Looked at below, so that the error can say how many there are.
    limitInputPixels: false,
    failOn: "warning",
    ignoreIcc: true,
    autoOrient: true,
    sequentialRead: true,
  });
  const { width, height, pages = 1 } = await reading(format, () => source.metadata());
  if (width * height > maxPixels) {
    throw badInput(`the image has ${width} x ${height} pixels, ${maxPixels} in all allowed`);
  }
  if (pages !== 1) throw badInput(`the image has ${pages} frames, one wanted`);
  const { data, info } = await reading(format, () =>
    source.toColourspace("srgb").ensureAlpha().raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true }),
  );
  if (info.channels !== 4) throw badInput(`the image has ${info.channels} channels once decoded, 4 wanted`);
  return { width: info.width, height: info.height, channels: 4, data };
}

/** By its first bytes. */
function formatOf(bytes: Uint8Array): ImageInput["formats"][number] | null {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(16, bytes.length)).toString("latin1");
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (start.startsWith("\xff\xd8\xff")) return "jpeg";
  return start.startsWith("RIFF") && start.startsWith("WEBP", 8) ? "webp" : null;
}

async function reading<T>(format: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw badInput(`the ${format} cannot be decoded: ${reason}`);
  }
}

/** Lays the image over its background and takes the channels that the graph wants. */
function channelsOf({ channels, background = 255, invert = false }: ImageInput, source: Raster): Raster {
  const pixels = source.width * source.height;
  const count = channels === "grey" ? 1 : 3;
  const data = new Uint8Array(pixels * count);
  const flip = invert ? 255 : 0;
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const at = pixel * 4;
    const alpha = source.data[at + 3] as number;
    const over = (channel: number) =>
      Math.floor(((source.data[at + channel] as number) * alpha + background * (255 - alpha) + 127) / 255);
    const [red, green, blue] = [over(0), over(1), over(2)];
    if (channels === "grey") {
      // Rec. 601 in 256ths.
      data[pixel] = ((77 * red + 150 * green + 29 * blue + 128) >> 8) ^ flip;
      continue;
    }
    data[pixel * 3] = (channels === "rgb" ? red : blue) ^ flip;
    data[pixel * 3 + 1] = green ^ flip;
    data[pixel * 3 + 2] = (channels === "rgb" ? blue : red) ^ flip;
  }
  return { width: source.width, height: source.height, channels: count, data };
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
  const planar = layout === "nchw" && channels > 1;
  const place = (pixel: number, channel: number) =>
    planar ? channel * pixels + pixel : pixel * channels + channel;
  const values = type === "uint8" ? new Uint8Array(data.length) : new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel += 1) {
    const [middle, width] = [mean[channel] ?? (mean[0] as number), std[channel] ?? (std[0] as number)];
    for (let pixel = 0; pixel < pixels; pixel += 1) {
      const value = data[pixel * channels + channel] as number;
      values[place(pixel, channel)] = type === "uint8" ? value : (value / 255 - middle) / width;
    }
  }
  return { type, dims: dims[layout], data: values };
}

const badInput = (message: string) => new ProcessFailure("bad-input", message);
