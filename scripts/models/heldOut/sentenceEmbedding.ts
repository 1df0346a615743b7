import { decodeOutput, encodeInput } from "@sibyl/sdk";
import type { Hex } from "viem";
import { type AnsweringModel, answersTo } from "../answering.ts";
import { heldOutChapters } from "../textSource.ts";
import type { Figures } from "./figures.ts";

/** Pairs that belong together, and as many that do not. */
const PAIRS = 300;

/**
 * Whether sentences that follow each other in a paragraph are nearer than sentences of different chapters: the chance
 * that a pair of the first kind has the higher cosine. No sentences with human judgements of likeness are within reach.
 */
export async function measureSentenceEmbedding(model: AnsweringModel): Promise<Record<string, Figures>> {
  const { near, far } = await samplePairs();
  const texts = [...near, ...far].flat();
  const outputs = await answersTo(
    model,
    texts.map((text) => encodeInput("text", text)),
  );
  const cosines = Array.from({ length: near.length + far.length }, (_, pair) =>
    cosineOf(vectorOf(outputs[2 * pair] ?? "0x"), vectorOf(outputs[2 * pair + 1] ?? "0x")),
  );
  const [inside, across] = [cosines.slice(0, near.length), cosines.slice(near.length)];
  const wins = inside
    .map((one) => across.filter((other) => one > other).length)
    .reduce((sum, n) => sum + n, 0);
  return {
    neighbours: { pairs: near.length, auc: Number((wins / (inside.length * across.length)).toFixed(4)) },
  };
}

/** Sentences of 40 to 240 characters, two that follow each other, and two from different chapters. */
async function samplePairs(): Promise<{ near: [string, string][]; far: [string, string][] }> {
  const near: [string, string][] = [];
  const chapters = (await heldOutChapters()).map((chapter) =>
    chapter.split(/\n\s*\n/).flatMap((paragraph) => {
      const sentences = paragraph.replace(/\s+/g, " ").split(/(?<=[.!?]) (?=[A-Z])/);
      const fits = (text = "") => text.length >= 40 && text.length <= 240;
      for (const [at, sentence] of sentences.entries()) {
        const next = sentences[at + 1];
        if (next !== undefined && fits(sentence) && fits(next)) near.push([sentence, next]);
      }
      return sentences.filter(fits);
    }),
  );
  const step = Math.max(1, Math.floor(near.length / PAIRS));
  const chosen = near.filter((_, at) => at % step === 0).slice(0, PAIRS);
  const far = chosen.map(([sentence], at): [string, string] => {
    const others = chapters.filter((chapter) => !chapter.includes(sentence)).flat();
    return [sentence, others[(at * 101) % others.length] as string];
  });
  return { near: chosen, far };
}

export const vectorOf = (output: Hex): number[] =>
  decodeOutput("vector", output).map((wad) => Number(wad) / 1e18);

/** Of vectors of length 1. */
export const cosineOf = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, number, at) => sum + number * (other[at] as number), 0);
