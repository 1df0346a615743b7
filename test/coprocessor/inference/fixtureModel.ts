import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";

type Parts = Pick<ModelManifest, "input" | "output" | "task"> &
  Partial<Pick<ModelManifest, "profile" | "name" | "runner" | "batch">>;

/** A model of one file with a manifest that is true of it. */
export function modelOf(path: string, parts: Parts): ResolvedModel {
  const bytes = readFileSync(path);
  const file = basename(path);
  const manifest = parseManifest({
    schema: "sibyl/model@1",
    name: file.replace(/\W/g, "-").toLowerCase(),
    version: "1",
    description: "A graph for tests.",
    license: "MIT",
    files: [{ path: file, sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length }],
    entry: file,
    profile: { kind: "exact" },
    ...parts,
  });
  return { modelId: modelId(manifest), manifest, files: { [file]: path } };
}

/** One of the graphs that `fixtures/make.py` wrote. */
export function fixture(name: string, parts: Parts): ResolvedModel {
  return modelOf(join(import.meta.dirname, "fixtures", `${name}.onnx`), parts);
}

export const numbersToNumbers: Parts = {
  input: { codec: "vector", maxBytes: 4096 },
  output: { codec: "vector" },
  task: { type: "vector" },
};

export const tensorToTensor: Parts = {
  input: { codec: "tensor", maxBytes: 4096 },
  output: { codec: "tensor" },
  task: { type: "tensor" },
};
