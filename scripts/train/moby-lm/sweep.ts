import { createHash } from "node:crypto";

const VOCABULARY = 1_024;
const MOST_TOKENS = 12;

/** So many texts of a few tokens, any tokens; the same on every machine. */
export function tokenSweep(count: number): number[][] {
  return Array.from({ length: count }, (_, index) => {
    const random = createHash("sha256").update(`moby-lm ${index}`).digest();
    const length = 1 + (random.readUInt8(31) % MOST_TOKENS);
    return Array.from({ length }, (__, at) => random.readUInt16BE(2 * at) % VOCABULARY);
  });
}
