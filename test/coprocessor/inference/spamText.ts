import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";

export const SPAM_TEXT = resolve(import.meta.dirname, "../../../models/spam-text");

export interface Golden {
  name: string;
  value: string;
  label: string;
  confidence: string;
  output: Hex;
}

/** The committed spam model. */
export function spamText(): ResolvedModel {
  const manifest = parseManifest(readFileSync(join(SPAM_TEXT, "manifest.json")));
  return { modelId: modelId(manifest), manifest, files: { "model.onnx": join(SPAM_TEXT, "model.onnx") } };
}

export function spamTextGoldens(): { modelId: Hex; cases: Golden[] } {
  return JSON.parse(readFileSync(join(SPAM_TEXT, "goldens.json"), "utf8"));
}
