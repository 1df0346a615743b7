import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import type { FileReference } from "./messages.ts";
import { ProcessFailure } from "./processFailure.ts";

/** Of each kind; few, because sessions are few. */
const MAX_KEPT = 8;

/** Reads a model's file as the store checked it; what it makes of the bytes stays in the process, by their hash. */
function kept<T>(parse: (bytes: Buffer) => T): (file: FileReference) => Promise<T> {
  const known = new Map<string, T>();
  return async ({ path, sha256 }) => {
    const before = known.get(sha256);
    if (before !== undefined) return before;
    const bytes = await readFile(path);
    const actual = createHash("sha256").update(bytes).digest("hex");
    if (actual !== sha256) {
      throw new ProcessFailure(
        "model-failed",
        `${path} changed after it was checked: sha256 ${sha256} expected, ${actual} found`,
        "backoff",
      );
    }
    const parsed = parse(bytes);
    const [oldest] = known.keys();
    if (known.size >= MAX_KEPT && oldest !== undefined) known.delete(oldest);
    known.set(sha256, parsed);
    return parsed;
  };
}

/**
 * A Hugging Face `tokenizer.json`.
 *
 * @throws ProcessFailure `model-failed` when the file is not what it was.
 */
export const tokenizerOf = kept((bytes) => new Tokenizer(JSON.parse(bytes.toString("utf8")), {}));

/**
 * Symbols, one a line.
 *
 * @throws ProcessFailure `model-failed` when the file is not what it was.
 */
export const linesOf = kept((bytes): readonly string[] => {
  const lines = bytes.toString("utf8").split(/\r?\n/);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
});
