/**
 * Writes `models/digit-image`: the network of `models/digits`, fed from image files.
 *
 *     node --import tsx scripts/models/digit-image/publish.ts
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeInput, modelId, parseManifest } from "@sibyl/sdk";
import sharp from "sharp";
import { MODELS, openAnswering } from "../answering.ts";
import { verdictOf } from "../heldOut/classification.ts";
import { measureDigitImage } from "../heldOut/digitImage.ts";
import { heldOutDigits } from "../heldOut/digits.ts";
import { modelCard } from "./card.ts";
import { digitPng } from "./draw.ts";

const FOLDER = join(MODELS, "digit-image");
const digits = parseManifest(readFileSync(join(MODELS, "digits", "manifest.json")));
const { metrics: _, ...shared } = digits;
const unmeasured = {
  ...shared,
  name: "digit-image",
  description: "Reads one handwritten digit, dark on light, from an image file.",
  input: { codec: "bytes", maxBytes: 32_768 },
  task: {
    type: "image-classification",
    input: "x",
    output: "scores",
    scores: "wad",
    image: {
      formats: ["png", "webp"],
      maxPixels: 1_048_576,
      channels: "grey",
      resize: { mode: "contain", width: 28, height: 28, fill: 255 },
      invert: true,
      layout: "nhw",
    },
  },
};
mkdirSync(FOLDER, { recursive: true });
copyFileSync(join(MODELS, "digits", "model.onnx"), join(FOLDER, "model.onnx"));
writeJson("manifest.json", unmeasured);
const model = await openAnswering("digit-image", "cpu", 1);
const metrics = await measureDigitImage(model);
const manifest = parseManifest({ ...unmeasured, metrics });

const heldOut = await heldOutDigits();
const examples = Array.from({ length: 10 }, (_digit, label) => {
  const found = heldOut.find((digit) => digit.label === label);
  if (!found) throw new Error(`no held-out image shows a ${label}`);
  return found.image;
});
const images: { name: string; bytes: Buffer }[] = [];
for (const [label, image] of examples.entries()) {
  images.push({ name: `digit ${label}`, bytes: await digitPng(image) });
}
const [zero, one] = examples as [Uint8Array, Uint8Array];
const large = await digitPng(one, 12);
images.push({ name: "digit 1, large", bytes: large });
images.push({ name: "digit 1, as WebP", bytes: await sharp(large).webp({ lossless: true }).toBuffer() });
images.push({
  name: "digit 1, wider than high",
  bytes: await sharp(large).extend({ left: 200, right: 200, background: "white" }).png().toBuffer(),
});
images.push({
  name: "digit 0, on a transparent ground",
  bytes: await sharp(Buffer.from(zero), { raw: { width: 28, height: 28, channels: 1 } })
    .toColourspace("b-w")
    .joinChannel(Buffer.from(zero), { raw: { width: 28, height: 28, channels: 1 } })
    .linear([0, 1], [0, 0])
    .png()
    .toBuffer(),
});
images.push({
  name: "blank paper",
  bytes: await sharp({ create: { width: 100, height: 40, channels: 3, background: "white" } })
    .png()
    .toBuffer(),
});
const cases = [];
for (const { name, bytes } of images) {
  const input = encodeInput("bytes", `0x${bytes.toString("hex")}`);
  const output = await model.answer(input);
  const { label } = verdictOf(manifest, output);
  const { confidence } = verdictOf(manifest, output);
  cases.push({ name, input, label: manifest.output.labels?.[label], confidence: String(confidence), output });
}
await model.close();
writeJson("manifest.json", manifest);
writeJson("goldens.json", { modelId: modelId(manifest), cases });
writeFileSync(join(FOLDER, "README.md"), modelCard(manifest, modelId(manifest), metrics));
console.log(JSON.stringify({ modelId: modelId(manifest), metrics }));
for (const { name, label, confidence } of cases) console.log(`${name}: ${label} (${confidence})`);

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(FOLDER, name), `${JSON.stringify(value, null, 2)}\n`);
}
