import type { ModelManifest } from "@sibyl/sdk";
import { inferenceError } from "../inferenceError.ts";
import type { GraphSignature } from "../messages.ts";
import { imageClassification } from "./imageClassification.ts";
import { ocrLine } from "./ocrLine.ts";
import { sentenceEmbedding } from "./sentenceEmbedding.ts";
import type { Task, TaskFactory } from "./task.ts";
import { tensor } from "./tensor.ts";
import { textClassification } from "./textClassification.ts";
import { textGeneration } from "./textGeneration.ts";
import { vector } from "./vector.ts";

const TASKS: Readonly<Record<string, TaskFactory>> = {
  "text-classification": textClassification,
  "text-generation": textGeneration,
  "sentence-embedding": sentenceEmbedding,
  "image-classification": imageClassification,
  "ocr-line": ocrLine,
  vector,
  tensor,
};

/** @throws CoprocessorError `inference/model-failed` when the task is unknown or does not fit the graph. */
export function taskOf(manifest: ModelManifest, signature: GraphSignature): Task {
  const { type } = manifest.task;
  const create = Object.hasOwn(TASKS, type) ? TASKS[type] : undefined;
  if (create) return create(manifest, signature);
  throw inferenceError(
    "model-failed",
    `task ${type} is unknown; known are ${Object.keys(TASKS).join(", ")}`,
    {
      meta: { model: manifest.name, type, known: Object.keys(TASKS) },
    },
  );
}
