import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatWad, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Tensor } from "onnxruntime-node";
import type { Hex } from "viem";
import { type Answer, openModel } from "./openModel.ts";

/** A held-out row: its canonical input, its true label, and the scores that the integers of training gave. */
export interface HeldOutRow {
  label: number;
  input: Hex;
  /** WAD. */
  scores: readonly string[];
}

export interface Golden {
  name: string;
  /** The input as a person would write it, where that is short. */
  value?: readonly string[];
  input: Hex;
}

export interface Publication {
  /** Folder with the trained `model.onnx`. */
  trained: string;
  /** The model's folder. */
  target: string;
  /** The manifest without what is known only here: files and metrics. */
  manifest: Omit<ModelManifest, "schema" | "version" | "files" | "entry" | "profile" | "batch" | "metrics">;
  /** The graph's input from a canonical one. */
  feed: (input: Hex) => Tensor;
  heldOut: readonly HeldOutRow[];
  /** Metrics beside those measured here. */
  metrics: Record<string, unknown>;
  goldens: readonly Golden[];
  /** Inputs whose outputs are pinned together, by one hash. */
  sweep: readonly Hex[];
  card: (facts: CardFacts) => string;
}

export interface CardFacts {
  manifest: ModelManifest;
  modelId: Hex;
  heldOut: HeldOutMetrics;
}

export interface HeldOutMetrics {
  rows: number;
  accuracy: number;
  /** Expected calibration error over ten bins. */
  ece: number;
  /** Rows: the true label; columns: the label given. */
  confusion: number[][];
}

/**
 * Measures a trained integer graph in ONNX Runtime and writes the model's folder.
 *
 * @throws Error when the graph differs in one bit from the integers of training.
 */
export async function publish(publication: Publication): Promise<void> {
  const { trained, target, goldens, sweep } = publication;
  const bytes = readFileSync(join(trained, "model.onnx"));
  const unmeasured = parseManifest({
    schema: "sibyl/model@1",
    version: "1.0.0",
    ...publication.manifest,
    files: [
      { path: "model.onnx", sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length },
    ],
    entry: "model.onnx",
    profile: { kind: "exact" },
    batch: { max: 32 },
  });
  const model = await openModel(bytes, unmeasured, publication.feed);
  const heldOut = await measure(unmeasured, publication.heldOut, model.answer);
  const manifest = parseManifest({ ...unmeasured, metrics: { heldOut, ...publication.metrics } });
  const id = modelId(manifest);

  const cases = [];
  for (const { name, value, input } of goldens) {
    const { output, label, confidence } = await model.answer(input);
    cases.push({
      name,
      ...(value && { value }),
      input,
      label: manifest.output.labels?.[label],
      confidence: formatWad(confidence),
      output,
    });
  }
  const hash = createHash("sha256");
  for (const input of sweep) hash.update(Buffer.from((await model.answer(input)).output.slice(2), "hex"));
  await model.close();

  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "model.onnx"), bytes);
  const writeJson = (name: string, value: unknown) =>
    writeFileSync(join(target, name), `${JSON.stringify(value, null, 2)}\n`);
  writeJson("manifest.json", manifest);
  writeJson("goldens.json", {
    modelId: id,
    cases,
    sweep: { inputs: sweep.length, outputsSha256: hash.digest("hex") },
  });
  writeFileSync(join(target, "README.md"), publication.card({ manifest, modelId: id, heldOut }));
  console.log(JSON.stringify({ modelId: id, bytes: bytes.length, metrics: manifest.metrics }));
}

async function measure(
  manifest: ModelManifest,
  rows: readonly HeldOutRow[],
  answer: (input: Hex) => Promise<Answer>,
): Promise<HeldOutMetrics> {
  const labels = manifest.output.labels ?? [];
  const confusion = labels.map(() => labels.map(() => 0));
  const bins = Array.from({ length: 10 }, () => ({ rows: 0, right: 0, confidence: 0 }));
  let right = 0;
  for (const [index, row] of rows.entries()) {
    const { label, confidence, scores } = await answer(row.input);
    if (scores.join() !== row.scores.join()) {
      throw new Error(`held-out row ${index}: the graph says ${scores}, training said ${row.scores}`);
    }
    const line = confusion[row.label] as number[];
    line[label] = (line[label] as number) + 1;
    const share = Number(confidence) / 1e18;
    const bin = bins[Math.min(9, Math.floor(share * 10))] as (typeof bins)[number];
    bin.rows += 1;
    bin.confidence += share;
    if (label !== row.label) continue;
    right += 1;
    bin.right += 1;
  }
  const gap = bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0);
  return {
    rows: rows.length,
    accuracy: Number((right / rows.length).toFixed(4)),
    ece: Number((gap / rows.length).toFixed(4)),
    confusion,
  };
}
