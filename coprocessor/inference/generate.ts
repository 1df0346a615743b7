import type { Tokenizer } from "@huggingface/tokenizers";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { FileReference, GenerationPlan, RawTensor } from "./messages.ts";
import { tokenizerOf } from "./modelFile.ts";
import { ProcessFailure } from "./processFailure.ts";
import { chooseToken, seededFractions } from "./sampling.ts";
import type { LoadedModel } from "./sessionCache.ts";

/**
 * Lets a causal language model go on with a prompt, one token at a time, with its KV cache.
 *
 * @returns the new text alone, as `text`.
 * @throws ProcessFailure `bad-input` for a prompt without room, `bad-output` for logits that are no numbers.
 */
export async function generate(
  { runtime, session }: LoadedModel,
  plan: GenerationPlan,
  tokenizerFile: FileReference,
  prompt: string,
): Promise<Record<string, RawTensor>> {
  const tokenizer = await tokenizerOf(tokenizerFile);
  const start = [...plan.startTokens, ...tokenizer.encode(prompt, { add_special_tokens: false }).ids];
  const most = plan.contextTokens - plan.maxNewTokens;
  if (start.length > most || start.length === 0) {
    throw new ProcessFailure("bad-input", `the prompt has ${start.length} tokens, 1 to ${most} allowed`);
  }
  const fractions = seededFractions(prompt);
  const int64 = (values: readonly number[]): Tensor =>
    new runtime.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  let caches: Record<string, Tensor> = Object.fromEntries(
    plan.caches.map(({ past, heads, width }) => [
      past,
      new runtime.Tensor("float32", new Float32Array(0), [1, heads, 0, width]),
    ]),
  );
  const fresh: number[] = [];
  let next = start;
  for (let length = start.length; ; length += 1) {
    const feeds: Record<string, Tensor> = { input_ids: int64(next), ...caches };
    if (plan.inputs.includes("attention_mask")) feeds.attention_mask = int64(Array(length).fill(1));
    if (plan.inputs.includes("position_ids")) {
      feeds.position_ids = int64(next.map((_, at) => length - next.length + at));
    }
    const results = await session.run(feeds, ["logits", ...plan.caches.map(({ present }) => present)]);
    const token = chooseToken(lastRow(results), plan.sampling, fractions);
    if (plan.stopTokens.includes(token)) break;
    fresh.push(token);
    if (fresh.length === plan.maxNewTokens || cutAt(tokenizer, fresh, plan.stopTexts) !== null) break;
    next = [token];
    caches = Object.fromEntries(plan.caches.map(({ past, present }) => [past, results[present] as Tensor]));
  }
  const text = textOf(tokenizer, fresh);
  const end = cutAt(tokenizer, fresh, plan.stopTexts) ?? text.length;
  return { text: { type: "string", dims: [1], data: [text.slice(0, end)] } };
}

/** Where the first of the stop texts begins; null when there is none. */
function cutAt(tokenizer: Tokenizer, tokens: number[], stopTexts: readonly string[]): number | null {
  if (stopTexts.length === 0) return null;
  const text = textOf(tokenizer, tokens);
  const places = stopTexts.map((stop) => text.indexOf(stop)).filter((place) => place !== -1);
  return places.length === 0 ? null : Math.min(...places);
}

/** The library decodes no empty list. */
function textOf(tokenizer: Tokenizer, tokens: number[]): string {
  return tokens.length === 0 ? "" : tokenizer.decode(tokens, { skip_special_tokens: true });
}

/** The scores of the token to come. */
function lastRow({ logits }: InferenceSession.OnnxValueMapType): Float32Array {
  const { data, dims } = logits as Tensor;
  const width = dims.at(-1) ?? 0;
  if (!(data instanceof Float32Array) || dims.length !== 3 || dims[0] !== 1 || width === 0) {
    throw new ProcessFailure(
      "bad-output",
      `logits of shape [${dims.join(",")}], float32[1,tokens,vocabulary] wanted`,
    );
  }
  const row = data.subarray(data.length - width);
  const broken = row.findIndex((score) => !Number.isFinite(score));
  if (broken === -1) return row;
  throw new ProcessFailure("bad-output", `the logit of token ${broken} is ${row[broken]}`);
}
