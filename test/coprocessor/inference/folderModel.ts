import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";

const folderOf = (name: string) => resolve(import.meta.dirname, "../../../models", name);

/** A model of the `models` folder with all its files; what is not committed has to be fetched before. */
export function folderModel(name: string): ResolvedModel {
  const manifest = parseManifest(readFileSync(join(folderOf(name), "manifest.json")));
  const files = manifest.files.map(({ path }) => [path, join(folderOf(name), path)]);
  return { modelId: modelId(manifest), manifest, files: Object.fromEntries(files) };
}

export interface Golden {
  name: string;
  input: Hex;
  output: Hex;
}

export function goldensOf(name: string): { modelId: Hex; cases: Golden[] } {
  return JSON.parse(readFileSync(join(folderOf(name), "goldens.json"), "utf8"));
}
