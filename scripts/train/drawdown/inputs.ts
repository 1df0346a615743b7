import { createHash } from "node:crypto";
import { encodeInput, parseWad } from "@sibyl/sdk";
import type { Hex } from "viem";

/** Fractions as decimal strings: mean daily move over 5, 20 and 60 days, return over 20 days, distance from the 60-day high. */
export type Market = readonly string[];

export const drawdownInput = (market: Market): Hex => encodeInput("vector", market.map(parseWad));

/** Numbers of every awkward kind, beside real days. */
export const AWKWARD: readonly { name: string; value: Market }[] = [
  { name: "zeros", value: ["0", "0", "0", "0", "0"] },
  { name: "the low ends", value: ["0", "0", "0", "-0.2", "0"] },
  { name: "the high ends", value: ["0.04", "0.03", "0.03", "0.15", "0.3"] },
  { name: "beyond the high ends", value: ["1", "1", "1", "9", "1"] },
  { name: "negative", value: ["-0.01", "-0.01", "-0.01", "-0.9", "-0.3"] },
  { name: "just below half a basis point", value: ["0.000049999999999999", "0.01", "0.01", "0", "0.05"] },
  { name: "half a basis point", value: ["0.00005", "0.01", "0.01", "0", "0.05"] },
  { name: "half a basis point below zero", value: ["0.01", "0.01", "0.01", "-0.00005", "0.05"] },
  { name: "one wei", value: ["0.000000000000000001", "0", "0", "0", "0"] },
  { name: "the largest that an int32 of basis points holds", value: ["214748.3647", "0", "0", "0", "0"] },
];

/** So many markets, most of them thinkable, some not, with all 18 decimals in use; the same on every machine. */
export function drawdownSweep(count: number): Hex[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createHash("sha256").update(`drawdown ${index}`).digest();
    const part = (at: number, range: number) => random.readUInt32BE(4 * (at % 7)) % range;
    const wads = [0, 0, 0, -1_000, 0].map((low, at) => {
      const spans = [150, 120, 120, 1_800, 1_500] as const;
      const basisPoints = index % 8 === 7 ? part(at, 12_000) - 4_000 : low + part(at, spans[at] as number);
      return BigInt(basisPoints) * 10n ** 14n + BigInt(part(at + 2, 1_000_000)) * 10n ** 8n;
    });
    return encodeInput("vector", wads);
  });
}
