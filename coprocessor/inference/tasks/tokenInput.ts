import type { ModelManifest } from "@sibyl/sdk";
import { decodeText } from "@sibyl/sdk/codec/text";
import { z } from "zod";
import { inferenceError } from "../inferenceError.ts";
import type { GraphSignature, RawTensor } from "../messages.ts";
import type { TokenPlan } from "../tokenRow.ts";
import { textOf } from "./textInput.ts";

const tokenTask = z.object({
  /** Of the manifest's files; a Hugging Face `tokenizer.json`. */
  tokenizer: z.string(),
  /** Whether the tokenizer adds what stands before and behind a text. */
  specialTokens: z.boolean().default(true),
  maxTokens: z.int().min(1).max(8_192),
  /** What becomes of a text with more tokens. */
  overlong: z.enum(["refuse", "truncate"]).default("refuse"),
  /** Lets texts of similar length run together: up to a multiple of `bucketTokens`, filled up with `token`. */
  padding: z.strictObject({ token: z.int32().min(0), bucketTokens: z.int().min(1).max(1_024) }).optional(),
});

/**
 * How a graph takes texts as tokens: `input_ids`, and `attention_mask` and `token_type_ids` where it has them.
 *
 * @throws CoprocessorError `inference/model-failed` when manifest and graph do not fit.
 */
export function tokenPlan(manifest: ModelManifest, { inputs }: GraphSignature): TokenPlan {
  const parsed = tokenTask.safeParse(manifest.task);
  if (!parsed.success) throw unfit(manifest, `task of the manifest: ${z.prettifyError(parsed.error)}`);
  const { padding = null, ...task } = parsed.data;
  if (!manifest.files.some(({ path }) => path === task.tokenizer)) {
    throw unfit(manifest, `task.tokenizer ${task.tokenizer} is not among the manifest's files`);
  }
  const known = ["input_ids", "attention_mask", "token_type_ids"];
  for (const { name, type, shape } of inputs) {
    if (!known.includes(name)) throw unfit(manifest, `nothing is known to feed to ${name}`);
    if (type !== "int64" || shape.length !== 2) {
      throw unfit(manifest, `${name} is ${type}[${shape.join(",")}], int64[rows,tokens] wanted`);
    }
  }
  const nameIn = (name: string) => (inputs.some((input) => input.name === name) ? name : null);
  if (nameIn("input_ids") === null) throw unfit(manifest, "the graph has no input_ids");
  const mask = nameIn("attention_mask");
  if (padding !== null && mask === null)
    throw unfit(manifest, "padding needs an attention_mask, the graph has none");
  return { kind: "tokens", ...task, padding, ids: "input_ids", mask, types: nameIn("token_type_ids") };
}

/** What a process gets of a request: the text. */
export function textFeeds(input: Uint8Array): Record<string, RawTensor> {
  return { text: { type: "string", dims: [1], data: [textOf(decodeText(input))] } };
}

const unfit = (manifest: ModelManifest, reason: string) =>
  inferenceError("model-failed", reason, { meta: { model: manifest.name, reason } });
