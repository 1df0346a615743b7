import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { modelId, parseManifest } from "@sibyl/sdk";
import * as ort from "onnxruntime-node";
import { type Hex, hexToBytes } from "viem";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";
import type { RawTensor, RuntimeSettings, TensorSignature } from "../../../coprocessor/inference/messages.ts";
import type { Task } from "../../../coprocessor/inference/tasks/task.ts";
import { taskOf } from "../../../coprocessor/inference/tasks/taskOf.ts";

export interface ExactGoldens {
  modelId: Hex;
  cases: { name: string; input: Hex; label: string; confidence: string; output: Hex }[];
  /** Hash of the outputs of a sweep's inputs, one after the other. */
  sweep: { inputs: number; outputsSha256: string };
}

const folderOf = (name: string) => resolve(import.meta.dirname, "../../../models", name);

/** A committed model of one file. */
export function committedModel(name: string): ResolvedModel {
  const manifest = parseManifest(readFileSync(join(folderOf(name), "manifest.json")));
  const path = join(folderOf(name), "model.onnx");
  return { modelId: modelId(manifest), manifest, files: { "model.onnx": path } };
}

export const exactGoldens = (name: string): ExactGoldens =>
  JSON.parse(readFileSync(join(folderOf(name), "goldens.json"), "utf8"));

export interface DirectSession {
  task: Task;
  /** Runs the inputs in batches of the given sizes, taken in turn; a row of the graph's scores for each. */
  scores(inputs: readonly RawTensor[], sizes: readonly number[]): Promise<BigInt64Array[]>;
  feed(input: Hex): RawTensor;
  release(): Promise<void>;
}

/** The native library or WebAssembly. */
export type RuntimeBuild = Pick<typeof ort, "InferenceSession" | "Tensor">;

/** A session in this process, to run more than the engine has settings for. */
export async function directSession(
  model: ResolvedModel,
  { intraOpThreads, optimisation }: Pick<RuntimeSettings, "intraOpThreads" | "optimisation">,
  build: RuntimeBuild = ort,
): Promise<DirectSession> {
  const session = await build.InferenceSession.create(readFileSync(model.files["model.onnx"] as string), {
    executionProviders: [build === ort ? "cpu" : "wasm"],
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimisation,
  });
  const task = await taskOf(model.manifest, {
    inputs: tensors(session.inputMetadata),
    outputs: tensors(session.outputMetadata),
  });
  return {
    task,
    feed: (input) => task.feeds(hexToBytes(input)).x as RawTensor,
    async scores(inputs, sizes) {
      const rows: BigInt64Array[] = [];
      for (let at = 0, turn = 0; at < inputs.length; turn += 1) {
        const batch = inputs.slice(at, at + (sizes[turn % sizes.length] as number));
        at += batch.length;
        const results = await session.run({ x: stacked(batch, build) });
        const { data, dims } = results.scores as ort.Tensor;
        const width = dims[1] as number;
        for (let row = 0; row < batch.length; row += 1) {
          rows.push((data as BigInt64Array).slice(row * width, (row + 1) * width));
        }
      }
      return rows;
    },
    release: () => session.release(),
  };
}

/** Rows of a batch as one tensor. */
function stacked(batch: readonly RawTensor[], build: RuntimeBuild): ort.Tensor {
  const [first] = batch as [RawTensor];
  const count = first.data.length;
  const data =
    first.type === "int32" ? new Int32Array(count * batch.length) : new Uint8Array(count * batch.length);
  for (const [row, tensor] of batch.entries()) data.set(tensor.data as Uint8Array, row * count);
  return new build.Tensor(first.type as "int32", data as Int32Array, [batch.length, ...first.dims.slice(1)]);
}

function tensors(metadata: readonly ort.InferenceSession.ValueMetadata[]): TensorSignature[] {
  return metadata.flatMap((value) =>
    value.isTensor ? [{ name: value.name, type: value.type, shape: value.shape }] : [],
  );
}
