import type { ModelManifest } from "@sibyl/sdk";
import { decodeText, encodeRawText } from "@sibyl/sdk/codec/text";
import { z } from "zod";
import { inferenceError } from "../inferenceError.ts";
import type { GenerationPlan, GraphSignature } from "../messages.ts";
import { checkCodec, resultOf } from "./graphPort.ts";
import type { TaskFactory } from "./task.ts";
import { textOf } from "./textInput.ts";

const tokenId = z.int().min(0);

const generationTask = z.object({
  type: z.literal("text-generation"),
  /** Of the manifest's files; a Hugging Face `tokenizer.json`. */
  tokenizer: z.string(),
  /** Tokens in front of every prompt. */
  startTokens: z.array(tokenId).max(16).default([]),
  /** Tokens that end the text and are no part of it. */
  stopTokens: z.array(tokenId).max(16).default([]),
  /** Texts that end the text and are no part of it. */
  stopTexts: z.array(z.string().min(1).max(100)).max(16).default([]),
  /** Tokens that the model can look back on, prompt and answer together. */
  contextTokens: z.int().min(2).max(131_072),
  maxNewTokens: z.int().min(1).max(4_096),
  /** Greedy when left out. The seed is the prompt's, so that every operator draws the same. */
  sampling: z
    .strictObject({ temperature: z.number().min(0.01).max(10), topK: z.int().min(1).max(1_000) })
    .optional(),
});

/**
 * A text that goes on where the prompt ends.
 *
 * Manifest: `task {type: "text-generation", tokenizer, contextTokens, maxNewTokens, …}`, codecs `text` in and out. The
 * graph is a causal language model as Hugging Face exports them: `input_ids`, `attention_mask`, `position_ids` where it
 * has them and a KV cache `past_key_values.<layer>.key|value` in, `logits` and `present.<layer>.key|value` out.
 */
export const textGeneration: TaskFactory = (manifest, signature) => {
  checkCodec(manifest, "input", ["text"]);
  checkCodec(manifest, "output", ["text"]);
  const generation = planOf(manifest, signature);
  return {
    fetches: ["logits", ...generation.caches.map(({ present }) => present)],
    generation,
    feeds(bytes) {
      const text = textOf(decodeText(bytes));
      return { prompt: { type: "string", dims: [1], data: [text] } };
    },
    output(results) {
      const { data } = resultOf(results, "text");
      return encodeRawText(String(data[0]));
    },
  };
};

function planOf(manifest: ModelManifest, { inputs, outputs }: GraphSignature): GenerationPlan {
  const parsed = generationTask.safeParse(manifest.task);
  if (!parsed.success) throw unfit(manifest, `task of the manifest: ${z.prettifyError(parsed.error)}`);
  const { type: _, tokenizer, ...task } = parsed.data;
  if (!manifest.files.some(({ path }) => path === tokenizer)) {
    throw unfit(manifest, `task.tokenizer ${tokenizer} is not among the manifest's files`);
  }
  if (task.maxNewTokens >= task.contextTokens) {
    throw unfit(manifest, `${task.maxNewTokens} new tokens leave no room in ${task.contextTokens}`);
  }
  const caches = inputs
    .filter(({ name }) => name.startsWith("past_key_values."))
    .map(({ name, type, shape }) => {
      const present = name.replace("past_key_values.", "present.");
      const [, heads, past, width] = shape;
      const isCache = shape.length === 4 && typeof heads === "number" && typeof width === "number";
      if (type !== "float32" || !isCache || typeof past !== "string") {
        throw unfit(
          manifest,
          `${name} is ${type}[${shape.join(",")}], float32[batch,heads,past,width] wanted`,
        );
      }
      if (!outputs.some((output) => output.name === present)) {
        throw unfit(manifest, `the graph has ${name} but no ${present}`);
      }
      return { past: name, present, heads, width };
    });
  const names = inputs.map(({ name }) => name);
  const known = ["input_ids", "attention_mask", "position_ids", ...caches.map(({ past }) => past)];
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined) throw unfit(manifest, `nothing is known to feed to ${strange}`);
  if (!names.includes("input_ids") || caches.length === 0 || !outputs.some(({ name }) => name === "logits")) {
    throw unfit(manifest, "the graph has no input_ids, no KV cache or no logits");
  }
  return { ...task, tokenizer, caches, inputs: names };
}

const unfit = (manifest: ModelManifest, reason: string) =>
  inferenceError("model-failed", reason, { meta: { model: manifest.name, reason } });
