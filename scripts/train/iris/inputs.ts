import { createHash } from "node:crypto";
import { encodeInput, parseWad } from "@sibyl/sdk";
import type { Hex } from "viem";

/** Centimetres as decimal strings: sepal length, sepal width, petal length, petal width. */
export type Flower = readonly string[];

export const irisInput = (flower: Flower): Hex => encodeInput("vector", flower.map(parseWad));

/** Numbers of every awkward kind, beside real flowers. */
export const AWKWARD: readonly { name: string; value: Flower }[] = [
  { name: "zeros", value: ["0", "0", "0", "0"] },
  { name: "negative", value: ["-5.1", "-3.5", "-1.4", "-0.2"] },
  { name: "the low ends", value: ["4", "2", "1", "0"] },
  { name: "the high ends", value: ["8", "4.5", "7", "2.6"] },
  { name: "beyond the high ends", value: ["80", "45", "70", "26"] },
  { name: "the largest that an int32 of hundredths holds", value: ["21474836.47", "1", "21474836.47", "1"] },
  { name: "the smallest", value: ["-21474836.48", "1", "-21474836.48", "1"] },
  { name: "just below half a hundredth", value: ["6", "2.904999999999999999", "4.9", "1.6"] },
  { name: "half a hundredth", value: ["6", "2.905", "4.9", "1.6"] },
  { name: "half a hundredth below zero", value: ["6", "2.9", "4.9", "-0.005"] },
  { name: "one wei", value: ["0.000000000000000001", "0", "0", "0"] },
  { name: "between versicolor and virginica", value: ["6", "2.8", "4.9", "1.65"] },
];

/** So many flowers, most near real ones, some far off, with all 18 decimals in use; the same on every machine. */
export function irisSweep(count: number): Hex[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createHash("sha256").update(`iris ${index}`).digest();
    const part = (at: number, range: number) => random.readUInt32BE(4 * at) % range;
    const wads = [400, 200, 100, 0].map((low, at) => {
      const spans = [400, 250, 600, 260] as const;
      const hundredths = index % 8 === 7 ? part(at, 3_000) - 1_000 : low + part(at, spans[at] as number);
      return BigInt(hundredths) * 10n ** 16n + BigInt(part(4 + at, 1_000_000)) * 10n ** 10n;
    });
    return encodeInput("vector", wads);
  });
}
