import { inferenceError } from "../inferenceError.ts";

/**
 * A text that a model can be asked about.
 *
 * @throws CoprocessorError `inference/bad-input` when it is empty or has a NUL.
 */
export function textOf(text: string): string {
  if (text.trim() === "") throw inferenceError("bad-input", "the text is empty");
  // The runtime's binding ends a string at its first NUL: what stands behind it would not be judged.
  const nul = text.indexOf("\0");
  if (nul === -1) return text;
  throw inferenceError("bad-input", `the text has a NUL character at index ${nul}`, { meta: { index: nul } });
}
