import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { modelId } from "@sibyl/sdk";
import type { Hex } from "viem";

export interface TinyModel {
  id: Hex;
  manifest: Buffer;
  files: Record<string, Buffer>;
}

/** A model with a true manifest whose files are a few bytes, or as many as asked for. */
export function tinyModel(
  name: string,
  files: Record<string, Buffer> = { "model.onnx": Buffer.from(`graph of ${name}`) },
): TinyModel {
  const json = {
    schema: "sibyl/model@1",
    name,
    version: "1",
    description: "A model for tests.",
    license: "MIT",
    files: Object.entries(files).map(([path, bytes]) => ({
      path,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      bytes: bytes.length,
    })),
    entry: Object.keys(files)[0],
    input: { codec: "text", maxBytes: 1024 },
    output: { codec: "scalar" },
    task: { type: "vector" },
    profile: { kind: "exact" },
  };
  return { id: modelId(json), manifest: Buffer.from(JSON.stringify(json, null, 2)), files };
}

/** Lays a model down as a folder. */
export function writeModel(directory: string, { manifest, files }: Omit<TinyModel, "id">): void {
  for (const [path, bytes] of Object.entries({ "manifest.json": manifest, ...files })) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
}

/** The same bytes with one bit turned over. */
export function flipped(bytes: Buffer, at = bytes.length >> 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}
