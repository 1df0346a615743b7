import { decodeOutput, encodeInput } from "@sibyl/sdk";
import type { Hex } from "viem";
import { type AnsweringModel, answersTo } from "../answering.ts";
import { renderLine, sampleLines } from "../ocr-line/lines.ts";
import type { Figures } from "./figures.ts";

const LINES = 240;

/** Rendered lines, as nothing photographed comes with its text. The network has not been trained by us on anything. */
export async function measureOcrLine(model: AnsweringModel): Promise<Record<string, Figures>> {
  const lines = await sampleLines(LINES);
  const inputs: Hex[] = [];
  for (const line of lines) {
    inputs.push(encodeInput("bytes", `0x${(await renderLine(line)).toString("hex")}`));
  }
  const answers = await answersTo(model, inputs);
  let [wrong, characters, exact] = [0, 0, 0];
  for (const [at, { text }] of lines.entries()) {
    const read = decodeOutput("text", answers[at] ?? "0x");
    wrong += editDistance(text, read);
    characters += text.length;
    if (read === text) exact += 1;
  }
  return {
    rendered: {
      lines: lines.length,
      characterErrorRate: Number((wrong / characters).toFixed(4)),
      exactLines: Number((exact / lines.length).toFixed(4)),
    },
  };
}

/** Fewest insertions, deletions and replacements that make one text the other (Levenshtein). */
export function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [i, letter] of Array.from(one).entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j += 1) {
      const replaced = (row[j] as number) + (other[j] === letter ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row.at(-1) as number;
}
