import { deflateSync } from "node:zlib";
import { encodeInput, type ImageInput } from "@sibyl/sdk";
import sharp from "sharp";
import type { Hex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";
import { runtimeText } from "../../../coprocessor/core/runtime.ts";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { digitPng } from "../../../scripts/models/digit-image/draw.ts";
import { digitInput, digitSweep, imageOf } from "../../../scripts/train/digits/inputs.ts";
import { collectedLog } from "../collectedLog.ts";
import { exactGoldens } from "./exactModel.ts";
import { folderModel, goldensOf } from "./folderModel.ts";

const LIMITS = { timeoutMs: 30_000 };
const model = folderModel("digit-image");
const goldens = goldensOf("digit-image");
let engine: InferenceEngine;

beforeAll(() => {
  engine = createOnnxEngine({ threads: 2, log: collectedLog() });
});
afterAll(() => engine.close());

const bytesInput = (bytes: Uint8Array): Hex =>
  encodeInput("bytes", `0x${Buffer.from(bytes).toString("hex")}`);
const answer = async (input: Hex, asked: ResolvedModel = model) =>
  (await engine.run(asked, input, LIMITS)).output;
const good = (): Hex => goldens.cases[0]?.input ?? "0x";

/** The model with other image settings, and so with another id. */
const variant = (patch: Partial<ImageInput>, id: Hex = "0x01"): ResolvedModel => {
  const image = { ...model.manifest.task.image, ...patch } as ImageInput;
  return { ...model, modelId: id, manifest: { ...model.manifest, task: { ...model.manifest.task, image } } };
};

test("goldens: byte for byte", async () => {
  expect(goldens.modelId).toBe(model.modelId);
  for (const { name, input, output } of goldens.cases) expect(await answer(input), name).toBe(output);
});

test("exact: 1,056 images as files give the bytes that their pixels give", { timeout: 120_000 }, async () => {
  const bases = exactGoldens("digits").cases.slice(0, 20);
  const sweep = digitSweep(
    bases.map(({ input }) => imageOf(input)),
    1_056,
  );
  const files = await Promise.all(sweep.map(async (input) => bytesInput(await digitPng(imageOf(input)))));
  const digits = folderModel("digits");
  const expected = await Promise.all(sweep.map((input) => answer(digitInput(imageOf(input)), digits)));
  const results = await Promise.all(files.map((input) => engine.run(model, input, LIMITS)));
  expect(results.map(({ output }) => output)).toEqual(expected);
  expect(Math.max(...results.map(({ runtime }) => runtime.batch))).toBeGreaterThan(1);
});

test("fingerprint: names what decodes the images, of a model that takes them and of no other", async () => {
  const { runtime } = await engine.run(model, good(), LIMITS);
  const { sharp: version, vips } = sharp.versions;
  expect(runtime.images).toBe(`sharp@${version} libvips@${vips}`);
  expect(runtimeText(runtime)).toMatch(/ sharp@[\d.]+ libvips@[\d.]+$/);
  const digits = folderModel("digits");
  const input = digitInput(imageOf(exactGoldens("digits").cases[0]?.input ?? "0x"));
  expect((await engine.run(digits, input, LIMITS)).runtime).not.toHaveProperty("images");
});

describe("refused by name, and the next job is unaffected", () => {
  test.each<[string, RegExp, () => Uint8Array | Promise<Uint8Array>]>([
    ["no bytes", /the image has no bytes/, () => new Uint8Array()],
    ["text", /of no known format, png or webp wanted/, () => Buffer.from("hello")],
    [
      "SVG, which is a program",
      /of no known format/,
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>'),
    ],
    [
      "a format that the manifest leaves out",
      /the image is jpeg, png or webp wanted/,
      () => square().jpeg().toBuffer(),
    ],
    [
      "a hundred megapixels in 300 bytes",
      /10000 x 10000 pixels, 1048576 in all allowed/,
      () => bomb(10_000, 10_000),
    ],
    ["sides beyond 32 bits", /cannot be decoded/, () => bomb(0xffff_ffff, 0xffff_ffff)],
    ["pixels that the file does not have", /cannot be decoded/, () => bomb(1_000, 1_000)],
    ["cut off", /cannot be decoded/, async () => (await square().png().toBuffer()).subarray(0, 60)],
    ["flipped bits", /cannot be decoded/, async () => flipped(await square().png().toBuffer())],
    ["several frames", /has 3 frames, one wanted/, animation],
  ])("%s", async (_, message, bytes) => {
    await expect(answer(bytesInput(await bytes()))).rejects.toMatchObject({
      code: "inference/bad-input",
      retry: "never",
      message: expect.stringMatching(message),
    });
    expect(await answer(good())).toBe(goldens.cases[0]?.output);
  });

  test("in company: a broken image costs its own job", async () => {
    const inputs = [good(), bytesInput(bomb(1_000, 1_000)), good(), bytesInput(Buffer.from("x")), good()];
    const runs = await Promise.allSettled(inputs.map((input) => answer(input)));
    expect(runs.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
  });
});

test("jpeg: is taken where the manifest says so, and turned as its EXIF says", async () => {
  const jpeg = variant({ formats: ["jpeg"] });
  const [png] = await pngOf(4);
  const upright = await sharp(png).jpeg({ quality: 100 }).toBuffer();
  const lying = await sharp(await sharp(png).rotate(90).png().toBuffer())
    .jpeg({ quality: 100 })
    .withMetadata({ orientation: 8 })
    .toBuffer();
  expect(labelOf(await answer(bytesInput(upright), jpeg))).toBe(4);
  expect(labelOf(await answer(bytesInput(lying), jpeg))).toBe(4);
});

test("a manifest that makes what the graph cannot take: is refused", async () => {
  const wrong: [Partial<ImageInput>, RegExp][] = [
    [{ channels: "rgb", layout: "nchw" }, /x takes \[N,28,28\], task.image makes \[1,3,28,28\]/],
    [{ channels: "rgb" }, /layout nhw is for grey images/],
    [{ mean: [0.5] }, /mean and std are for real numbers, x takes uint8/],
    [{ resize: { mode: "stretch", width: 32, height: 28 } }, /task.image makes \[1,28,32\]/],
  ];
  for (const [at, [patch, message]] of wrong.entries()) {
    await expect(answer(good(), variant(patch, `0x1${at}`))).rejects.toMatchObject({
      code: "inference/model-failed",
      message: expect.stringMatching(message),
    });
  }
});

const labelOf = (output: Hex) => Number(BigInt(output.slice(0, 66)));
const square = () => sharp({ create: { width: 64, height: 64, channels: 3, background: "#a05030" } });
const pngOf = async (digit: number) => {
  const { input } = exactGoldens("digits").cases[2 * digit] ?? { input: "0x" as Hex };
  return [await digitPng(imageOf(input), 6)];
};

/** A PNG that says it has so many pixels, and holds a few zeros. */
function bomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  const data = deflateSync(Buffer.alloc(1_000));
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** As in the PNG specification. */
function crc32(bytes: Uint8Array): number {
  let rest = 0xffff_ffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb8_8320 : 0);
  }
  return (rest ^ 0xffff_ffff) >>> 0;
}

function flipped(png: Buffer): Buffer {
  const at = png.indexOf("IDAT") + 8;
  for (let index = at; index < at + 8; index += 1) png[index] = (png[index] as number) ^ 0x5a;
  return png;
}

function animation(): Promise<Buffer> {
  const frames = [0, 100, 200].map((level) => Buffer.alloc(16 * 16 * 3, level));
  return sharp(Buffer.concat(frames), { raw: { width: 16, height: 48, channels: 3, pageHeight: 16 } })
    .webp({ delay: [50, 50, 50] })
    .toBuffer();
}
