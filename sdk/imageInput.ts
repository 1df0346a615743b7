import { z } from "zod";

/** Most pixels that a manifest may let an image have. */
const MAX_PIXELS = 16_777_216;
const MAX_SIDE = 8_192;

const side = z.int().min(1).max(MAX_SIDE);
const level = z.int().min(0).max(255);
const perChannel = z.array(z.number()).min(1).max(3);

/**
 * How an encoded image becomes a graph's tensor, step by step: decode, turn as its EXIF orientation says, lay over
 * `background`, take `channels`, `resize`, `invert`, and for graphs of real numbers (value / 255 - `mean`) / `std`.
 *
 * Embedded colour profiles are ignored. Resizing is bilinear with antialiasing, in arithmetic that is the same on every
 * machine.
 */
export const imageInput = z.strictObject({
  /** PNG and WebP decode to the same pixels everywhere; JPEG leaves decoders some freedom, so `exact` models refuse it. */
  formats: z.array(z.enum(["png", "jpeg", "webp"])).min(1),
  /** Width times height; what has more is refused before it is decoded. */
  maxPixels: z.int().min(1).max(MAX_PIXELS),
  channels: z.enum(["rgb", "bgr", "grey"]),
  /** Grey level behind transparent parts; 255, white, when left out. */
  background: level.optional(),
  resize: z.discriminatedUnion("mode", [
    /** To these sides, whatever that does to the proportions. */
    z.strictObject({ mode: z.literal("stretch"), width: side, height: side }),
    /** The largest part from the middle that has these proportions. */
    z.strictObject({ mode: z.literal("cover"), width: side, height: side }),
    /** All of it in the middle, the rest filled with a grey level. */
    z.strictObject({ mode: z.literal("contain"), width: side, height: side, fill: level }),
    /** To this height in proportion; narrower ones are filled up on the right, wider ones refused. */
    z.strictObject({ mode: z.literal("height"), height: side, minWidth: side, maxWidth: side, fill: level }),
  ]),
  /** Swaps light and dark: ink becomes high. */
  invert: z.boolean().optional(),
  /** Per channel in the graph's order, or one for all; 0 when left out. */
  mean: perChannel.optional(),
  /** Per channel in the graph's order, or one for all; 1 when left out. */
  std: perChannel.refine((numbers) => numbers.every((number) => number !== 0), "must not be 0").optional(),
  /** Order of the tensor's dimensions; `nhw` for one channel without a dimension of its own. */
  layout: z.enum(["nchw", "nhwc", "nhw"]),
});

export type ImageInput = z.output<typeof imageInput>;
