import type { ModelManifest } from "@sibyl/sdk";
import { inferenceError } from "../inferenceError.ts";
import type { GraphSignature } from "../messages.ts";
import type { Task, TaskFactory } from "./task.ts";

/** Each loaded when it is first wanted: most processes need one or two, and their libraries take time and memory. */
const TASKS: Readonly<Record<string, () => Promise<TaskFactory>>> = {
  "text-classification": async () => (await import("./textClassification.ts")).textClassification,
  "text-generation": async () => (await import("./textGeneration.ts")).textGeneration,
  "sentence-embedding": async () => (await import("./sentenceEmbedding.ts")).sentenceEmbedding,
  "image-classification": async () => (await import("./imageClassification.ts")).imageClassification,
  "ocr-line": async () => (await import("./ocrLine.ts")).ocrLine,
  vector: async () => (await import("./vector.ts")).vector,
  tensor: async () => (await import("./tensor.ts")).tensor,
};

/** @throws CoprocessorError `inference/model-failed` when the task is unknown or does not fit the graph. */
export async function taskOf(manifest: ModelManifest, signature: GraphSignature): Promise<Task> {
  const { type } = manifest.task;
  const load = Object.hasOwn(TASKS, type) ? TASKS[type] : undefined;
  if (load) return (await load())(manifest, signature);
  throw inferenceError(
    "model-failed",
    `task ${type} is unknown; known are ${Object.keys(TASKS).join(", ")}`,
    {
      meta: { model: manifest.name, type, known: Object.keys(TASKS) },
    },
  );
}
