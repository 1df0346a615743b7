import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { decodeInput, type ImageInput, type ModelManifest } from "@sibyl/sdk";
import sharp from "sharp";
import { type Hex, hexToBytes } from "viem";

/** A tensor as JSON holds it: texts, or bytes in base64. */
export type BareTensor =
  | { type: "string"; dims: number[]; data: string[] }
  | { type: "uint8" | "int32" | "int64" | "float32"; dims: number[]; data: string };

const UINT8 = 2;

/**
 * A request's tensors, made by other code than the engine's; their cost is not the runtime's.
 *
 * @param folder The model's.
 * @throws Error for an input that the benched models do not take.
 */
export async function bareFeeds(
  folder: string,
  { input, task }: ModelManifest,
  bytes: Hex,
): Promise<Record<string, BareTensor>> {
  const name = String(task.input ?? "x");
  if (task.image) {
    return { [name]: await imageTensor(task.image, hexToBytes(decodeInput("bytes", bytes))) };
  }
  if (input.codec === "text" && task.tokenizer !== undefined) {
    const file = readFileSync(join(folder, String(task.tokenizer)), "utf8");
    const tokenizer = new Tokenizer(JSON.parse(file), {});
    const { ids } = tokenizer.encode(decodeInput("text", bytes), { add_special_tokens: false });
    const tokens = BigInt64Array.from(ids.slice(0, Number(task.maxTokens)), BigInt);
    const dims = [1, tokens.length];
    const mask = new BigInt64Array(tokens.length).fill(1n);
    return {
      input_ids: { type: "int64", dims, data: base64(tokens) },
      attention_mask: { type: "int64", dims, data: base64(mask) },
    };
  }
  if (input.codec === "text") {
    return { [name]: { type: "string", dims: [1], data: [decodeInput("text", bytes)] } };
  }
  if (input.codec === "vector") {
    const unit = 10 ** (18 - Number(task.decimals));
    const data = Int32Array.from(decodeInput("vector", bytes), (wad) => Math.round(Number(wad) / unit));
    return { [name]: { type: "int32", dims: [1, data.length], data: base64(data) } };
  }
  if (input.codec === "tensor") {
    const { dtype, shape, data } = decodeInput("tensor", bytes);
    if (dtype === UINT8) {
      return { [name]: { type: "uint8", dims: [...shape], data: base64(hexToBytes(data)) } };
    }
  }
  throw new Error(`no bare loop for inputs by codec ${input.codec}`);
}

/** Near enough to the engine's pixels to take as long. */
async function imageTensor({ resize, channels, layout }: ImageInput, bytes: Uint8Array): Promise<BareTensor> {
  const { width: own = 1, height: ownHeight = 1 } = await sharp(bytes).metadata();
  const width =
    resize.mode === "height"
      ? Math.max(resize.minWidth, Math.round((own * resize.height) / ownHeight))
      : resize.width;
  const grey = await sharp(bytes)
    .flatten({ background: "white" })
    .resize(width, resize.height, { fit: "fill" })
    .greyscale()
    .extractChannel(0)
    .raw()
    .toBuffer();
  const { height } = resize;
  if (channels === "grey" && layout === "nhw") {
    return { type: "uint8", dims: [1, height, width], data: base64(grey.map((level) => 255 - level)) };
  }
  const pixels = Float32Array.from({ length: 3 * grey.length }, (_, at) => {
    const level = grey[at % grey.length] as number;
    return (level / 255 - 0.5) / 0.5;
  });
  return { type: "float32", dims: [1, 3, height, width], data: base64(pixels) };
}

const base64 = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("base64");
