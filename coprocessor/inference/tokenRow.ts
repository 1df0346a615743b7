import type { Tokenizer } from "@huggingface/tokenizers";
import type { RawTensor } from "./messages.ts";
import { ProcessFailure } from "./processFailure.ts";

/** How a graph takes a text as tokens. */
export interface TokenPlan {
  kind: "tokens";
  /** Path in the manifest; a Hugging Face `tokenizer.json`. */
  tokenizer: string;
  /** The graph's inputs, int64[rows, tokens] each: the tokens, which of them count, and of which text they are. */
  ids: string;
  mask: string | null;
  types: string | null;
  /** Whether the tokenizer adds what stands before and behind a text. */
  specialTokens: boolean;
  maxTokens: number;
  /** What becomes of a text with more. */
  overlong: "refuse" | "truncate";
  /** How rows of unequal length may run together; not at all when null. */
  padding: { token: number; bucketTokens: number } | null;
}

/**
 * A text's tokens.
 *
 * @throws ProcessFailure `bad-input` when they are none or too many.
 */
export function tokensOf(plan: TokenPlan, tokenizer: Tokenizer, text: string): number[] {
  const { ids } = tokenizer.encode(text, { add_special_tokens: plan.specialTokens });
  if (ids.length === 0) throw new ProcessFailure("bad-input", "the text has no tokens");
  if (ids.length <= plan.maxTokens) return ids;
  if (plan.overlong === "truncate") return ids.slice(0, plan.maxTokens);
  throw new ProcessFailure("bad-input", `the text has ${ids.length} tokens, ${plan.maxTokens} allowed`);
}

/** Rows with the same bucket may run together: of one length, or of a similar one that padding makes one. */
export const bucketOf = ({ padding }: TokenPlan, tokens: readonly number[]): number =>
  padding === null ? tokens.length : Math.ceil(tokens.length / padding.bucketTokens) * padding.bucketTokens;

/** The graph's inputs for rows of one bucket, filled up to the longest. */
export function tokenTensors(
  plan: TokenPlan,
  rows: readonly (readonly number[])[],
): Record<string, RawTensor> {
  let width = 0;
  for (const row of rows) width = Math.max(width, row.length);
  const tensor = (valueAt: (row: readonly number[], at: number) => number): RawTensor => {
    const data = new BigInt64Array(rows.length * width);
    // By halves, the lower first: a bigint each would cost more than all else.
    const halves = new Int32Array(data.buffer);
    let to = 0;
    for (const row of rows) for (let at = 0; at < width; at += 1, to += 2) halves[to] = valueAt(row, at);
    return { type: "int64", dims: [rows.length, width], data };
  };
  const tensors: Record<string, RawTensor> = {
    [plan.ids]: tensor((row, at) => row[at] ?? plan.padding?.token ?? 0),
  };
  if (plan.mask !== null) tensors[plan.mask] = tensor((row, at) => (at < row.length ? 1 : 0));
  if (plan.types !== null) tensors[plan.types] = tensor(() => 0);
  return tensors;
}
