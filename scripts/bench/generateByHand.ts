import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { decodeInput, encodeOutput, type ModelManifest } from "@sibyl/sdk";
import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-node";
import type { Hex } from "viem";

/** What a graph is fed, and what it gives, by name. */
export type Values = Record<string, Tensor>;

/** @param run Runs the graph once. */
export type Generate = (input: Hex, run: (feeds: Values) => Promise<Values>) => Promise<Hex>;

/**
 * Greedy generation with a KV cache, as one would write it by hand for one request at a time.
 *
 * @param folder The model's.
 * @throws Error for a model that draws its tokens: nothing was written for that.
 */
export function generateByHand(
  folder: string,
  { name: model, task }: ModelManifest,
  { inputMetadata }: InferenceSession,
  TensorOf: TensorConstructor,
): Generate {
  if (task.sampling !== undefined) throw new Error(`nothing is written for the sampling of ${model}`);
  const tokenizer = new Tokenizer(JSON.parse(readFileSync(join(folder, String(task.tokenizer)), "utf8")), {});
  const {
    startTokens = [],
    stopTokens = [],
    stopTexts = [],
  } = task as { startTokens?: number[]; stopTokens?: number[]; stopTexts?: string[] };
  const isFed = (input: string) => inputMetadata.some(({ name }) => name === input);
  const empty = emptyCache(inputMetadata, TensorOf);
  const int64 = (values: number[]) =>
    new TensorOf("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  return async (input, run) => {
    const prompt = tokenizer.encode(decodeInput("text", input), { add_special_tokens: false }).ids;
    let tokens = [...startTokens, ...prompt];
    let cache = empty;
    const fresh: number[] = [];
    let text = "";
    for (let length = tokens.length; fresh.length < Number(task.maxNewTokens); length += 1) {
      const feeds: Values = { input_ids: int64(tokens), ...cache };
      if (isFed("attention_mask")) feeds.attention_mask = int64(Array(length).fill(1));
      if (isFed("position_ids"))
        feeds.position_ids = int64(tokens.map((_, at) => length - tokens.length + at));
      const results = await run(feeds);
      const token = likeliest(results.logits as Tensor);
      if (stopTokens.includes(token)) break;
      fresh.push(token);
      text = tokenizer.decode(fresh, { skip_special_tokens: true });
      const stops = stopTexts.map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
      if (stops.length > 0) {
        text = text.slice(0, Math.min(...stops));
        break;
      }
      tokens = [token];
      cache = Object.fromEntries(
        Object.keys(empty).map((past) => [
          past,
          results[past.replace("past_key_values", "present")] as Tensor,
        ]),
      );
    }
    return encodeOutput("text", text);
  };
}

function emptyCache(inputs: InferenceSession["inputMetadata"], TensorOf: TensorConstructor): Values {
  const cache: Values = {};
  for (const input of inputs) {
    if (!(input.isTensor && input.name.startsWith("past_key_values."))) continue;
    const [, heads, , width] = input.shape as number[];
    cache[input.name] = new TensorOf("float32", new Float32Array(0), [1, heads, 0, width] as number[]);
  }
  return cache;
}

/** Of the last token's scores the highest, of equal ones the first. */
function likeliest({ data, dims }: Tensor): number {
  const scores = (data as Float32Array).subarray(-(dims.at(-1) as number));
  let best = 0;
  for (const [token, score] of scores.entries()) if (score > (scores[best] as number)) best = token;
  return best;
}
