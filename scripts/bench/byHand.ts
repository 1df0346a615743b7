/**
 * What an operator without the engine would write for one model: from a request's bytes to tensors, and from a graph's
 * results to the answer's bytes, with the SDK and the libraries of the trade. None of it is the engine's code.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import {
  decodeInput,
  decodeRawBytes,
  decodeRawTensor,
  encodeOutput,
  type ModelManifest,
  toWad,
} from "@sibyl/sdk";
import type { Hex } from "viem";
import { pixelsByHand } from "./pixelsByHand.ts";

/** A tensor for a graph, or from it. */
export interface HandTensor {
  type: string;
  dims: readonly number[];
  data: string[] | Uint8Array | Int32Array | BigInt64Array | Float32Array;
}
export type HandTensors = Record<string, HandTensor>;

export interface HandWritten {
  /** A request's tensors, one row each. */
  tensors(input: Hex): Promise<HandTensors>;
  /**
   * What fills up shorter rows, and up to which multiple of tokens they are of one length; null where rows of unequal length
   * cannot be together.
   */
  padding: { token: number; bucketTokens: number } | null;
  /** The answer's bytes, from the results of one row. */
  output(results: HandTensors): Hex;
}

const UINT8 = 2;

/**
 * @param folder The model's.
 * @throws Error for a model that nothing was written for.
 */
export function byHand(folder: string, manifest: ModelManifest): HandWritten {
  const { padding = null } = manifest.task as { padding?: HandWritten["padding"] };
  return {
    tensors: tensorsOf(folder, manifest),
    padding,
    output: outputOf(folder, manifest),
  };
}

function tensorsOf(folder: string, { input, task, name: model }: ModelManifest): HandWritten["tensors"] {
  const name = String(task.input ?? "x");
  if (task.image) {
    const { image } = task;
    return async (bytes) => ({ [name]: await pixelsByHand(image, decodeRawBytes(bytes)) });
  }
  if (input.codec === "text" && task.tokenizer !== undefined) {
    const tokenizer = new Tokenizer(
      JSON.parse(readFileSync(join(folder, String(task.tokenizer)), "utf8")),
      {},
    );
    return async (bytes) => {
      const { ids } = tokenizer.encode(decodeInput("text", bytes), { add_special_tokens: false });
      const tokens = BigInt64Array.from(ids.slice(0, Number(task.maxTokens)), BigInt);
      const dims = [1, tokens.length];
      const mask = new BigInt64Array(tokens.length).fill(1n);
      return {
        input_ids: { type: "int64", dims, data: tokens },
        attention_mask: { type: "int64", dims, data: mask },
      };
    };
  }
  if (input.codec === "text") {
    return async (bytes) => ({ [name]: { type: "string", dims: [1], data: [decodeInput("text", bytes)] } });
  }
  if (input.codec === "vector") {
    const unit = 10n ** BigInt(18 - Number(task.decimals));
    return async (bytes) => {
      const data = Int32Array.from(decodeInput("vector", bytes), (wad) =>
        Number((wad + (wad < 0n ? -unit : unit) / 2n) / unit),
      );
      return { [name]: { type: "int32", dims: [1, data.length], data } };
    };
  }
  if (input.codec === "tensor") {
    return async (bytes) => {
      const { dtype, shape, data } = decodeRawTensor(bytes);
      if (dtype !== UINT8) throw new Error(`nothing is written for tensors of type ${dtype}`);
      return { [name]: { type: "uint8", dims: shape, data } };
    };
  }
  throw new Error(`nothing is written for the inputs of ${model}`);
}

function outputOf(folder: string, { output, task, name: model }: ModelManifest): HandWritten["output"] {
  const only = (results: HandTensors) => {
    const [result] = Object.values(results);
    if (result === undefined || Array.isArray(result.data)) throw new Error(`${model} gave no numbers`);
    return { ...result, data: result.data };
  };
  switch (task.type) {
    case "ocr-line": {
      const file = readFileSync(join(folder, String(task.dictionary)), "utf8");
      const symbols = [...file.replace(/\r?\n$/, "").split(/\r?\n/), " "];
      return (results) =>
        encodeOutput("text", textByHand(only(results), symbols, Number(task.minConfidence)));
    }
    case "sentence-embedding":
      return (results) => {
        const numbers = Array.from(only(results).data, Number);
        const length = Math.hypot(...numbers);
        return encodeOutput(
          "vector",
          numbers.map((number) => toWad(number / length)),
        );
      };
    default:
      if (task.scores !== "wad" && task.scores !== "probability") break;
      return (results) => {
        const { data } = only(results);
        const scores = data instanceof BigInt64Array ? Array.from(data) : Array.from(data, toWad);
        let label = 0;
        for (const [at, score] of scores.entries()) if (score > (scores[label] as bigint)) label = at;
        const confidence = scores[label] as bigint;
        return output.codec === "scores"
          ? encodeOutput("scores", { label, confidence, scores })
          : encodeOutput("classification", { label, confidence });
      };
  }
  throw new Error(`nothing is written for the outputs of ${model}`);
}

/** Greedy CTC: of each step the likeliest symbol, of equal neighbours the first, class 0 being none. */
function textByHand({ data, dims }: HandTensor, symbols: readonly string[], minConfidence: number): string {
  const [, steps = 0, classes = 0] = dims;
  let [text, sum, count, previous] = ["", 0, 0, 0];
  for (let step = 0; step < steps; step += 1) {
    let [best, highest] = [0, 0];
    for (let at = 0; at < classes; at += 1) {
      const probability = data[step * classes + at] as number;
      if (probability > highest) [best, highest] = [at, probability];
    }
    if (best !== 0 && best !== previous) {
      text += symbols[best - 1];
      sum += highest;
      count += 1;
    }
    previous = best;
  }
  return count === 0 || sum / count < minConfidence ? "" : text.trim();
}
