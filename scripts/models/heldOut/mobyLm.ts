import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { CONTEXT_TOKENS, openDecoder } from "../../train/moby-lm/decoder.ts";
import { type AnsweringModel, MODELS } from "../answering.ts";
import { heldOutChapters } from "../textSource.ts";
import type { Figures } from "./figures.ts";

const END = 0;
/** Shorter paragraphs were left out, as in `scripts/train/moby-lm/train.py`. */
const SHORTEST = 200;

/**
 * How well the model foresees the paragraphs of held-out chapters. An engine's answers are texts, so the graph is asked
 * for its probabilities directly, in the runtime that answers.
 */
export async function measureMobyLm({ manifest }: AnsweringModel): Promise<Record<string, Figures>> {
  const read = (name: string) => readFileSync(join(MODELS, manifest.name, name));
  const tokenizer = new Tokenizer(JSON.parse(read("tokenizer.json").toString()), {});
  const chapters = await heldOutChapters();
  const paragraphs = chapters
    .flatMap((chapter) => chapter.split("\n\n"))
    .filter((paragraph) => paragraph.length > SHORTEST);
  const decoder = await openDecoder(read("model.onnx"));
  let [nats, tokens, characters] = [0, 0, 0];
  try {
    for (const paragraph of paragraphs) {
      const all = [END, ...tokenizer.encode(paragraph, { add_special_tokens: false }).ids];
      const ids = all.slice(0, CONTEXT_TOKENS);
      nats += (await decoder.lossOf(ids)) * (ids.length - 1);
      tokens += ids.length - 1;
      characters += tokenizer.decode(ids.slice(1)).length;
    }
  } finally {
    await decoder.close();
  }
  return {
    heldOut: {
      chapters: chapters.length,
      paragraphs: paragraphs.length,
      tokens,
      perplexityPerToken: Number(Math.exp(nats / tokens).toFixed(2)),
      bitsPerCharacter: Number((nats / Math.LN2 / characters).toFixed(3)),
    },
  };
}
