import type { Hex } from "viem";
import { decodeOutput, encodeOutput, type OutputCodec } from "./codec/output.ts";
import { type Component, componentsOf } from "./components.ts";
import { SibylError } from "./errors.ts";
import { formatWad, parseWad, WAD } from "./fixedPoint.ts";
import type { DeterminismProfile } from "./manifest.ts";

/** Whether two outputs are the same answer; `reason` names the first component that differs, and by how much. */
export type Agreement = { agrees: true } | { agrees: false; reason: string };

/** Outputs have no median: none given, different labels or shapes, or a codec without a distance. */
export class MedianUndefinedError extends SibylError {
  override readonly name: string = "MedianUndefinedError";
}

/**
 * Decides whether two outputs are the same answer under a model's determinism profile. Symmetric.
 *
 * `exact`: the same bytes. `tolerance`: the same label, shape and dtype, and for every number
 * `|a - b| <= max(abs, rel * max(|a|, |b|))`, in WAD integers. Text and tensors of integers have no distance: they
 * agree only byte for byte under either profile. An output that does not decode agrees with nothing but its equal.
 */
export function agree(codec: OutputCodec, profile: DeterminismProfile, a: Hex, b: Hex): Agreement {
  if (a.toLowerCase() === b.toLowerCase()) return { agrees: true };
  if (profile.kind === "exact")
    return differs(`the profile is exact and the bytes differ: ${firstByte(a, b)}`);

  const [left, right] = [tryComponents(codec, a), tryComponents(codec, b)];
  if (typeof left === "string") return differs(`the first output is unreadable: ${left}`);
  if (typeof right === "string") return differs(`the second output is unreadable: ${right}`);
  if (left.fixed !== right.fixed) return differs(`${shorten(left.fixed)} is not ${shorten(right.fixed)}`);

  const [abs, rel] = [parseWad(profile.abs), parseWad(profile.rel)];
  for (const [index, one] of left.components.entries()) {
    const other = right.components[index] as Component;
    const distance = magnitude(one.wad - other.wad);
    const scale = max(magnitude(one.wad), magnitude(other.wad));
    // Both sides times WAD, so that nothing is rounded.
    if (distance * WAD <= max(abs * WAD, rel * scale)) continue;
    const allowed = max(abs, (rel * scale) / WAD);
    return differs(
      `${one.name} differs by ${formatWad(distance)} ` +
        `(${formatWad(one.wad)} and ${formatWad(other.wad)}), ${formatWad(allowed)} allowed`,
    );
  }
  return { agrees: true };
}

/**
 * The output that stands for several that share a label: each number is the lower median of theirs.
 *
 * A pure function of the set of outputs: their order does not matter, and for one output, or equal ones, it is that
 * output. Each number is one that some operator really gave.
 *
 * @throws MedianUndefinedError when none is given, labels or shapes differ, or the codec has no distance and the
 * outputs are not all equal.
 * @throws the codec's error when an output does not decode.
 */
export function median(codec: OutputCodec, outputs: readonly Hex[]): Hex {
  const read = outputs.map((output) => componentsOf(codec, decodeOutput(codec, output)));
  const first = read[0];
  if (!first) throw new MedianUndefinedError("No outputs have no median.");
  for (const other of read) {
    if (other.fixed !== first.fixed) {
      throw new MedianUndefinedError("The outputs differ in what has no median.", {
        details: `${shorten(first.fixed)} and ${shorten(other.fixed)}`,
      });
    }
  }
  const middle = Math.floor((outputs.length - 1) / 2);
  const chosen = first.components.map((_, index) => {
    const column = read.map(({ components }) => components[index] as Component);
    return column.sort(byValue)[middle] as Component;
  });
  return encodeOutput(codec, first.rebuild(chosen));
}

/** By number, then by the raw bytes: +0 and -0 are one number, and the order of the inputs must not decide. */
function byValue(a: Component, b: Component): number {
  if (a.wad !== b.wad) return a.wad < b.wad ? -1 : 1;
  if (a.raw !== b.raw) return a.raw < b.raw ? -1 : 1;
  return 0;
}

function tryComponents(codec: OutputCodec, output: Hex) {
  try {
    return componentsOf(codec, decodeOutput(codec, output));
  } catch (error) {
    if (error instanceof SibylError) return `${error.name}: ${error.shortMessage}`;
    throw error;
  }
}

function firstByte(a: Hex, b: Hex): string {
  const [one, other] = [a.toLowerCase(), b.toLowerCase()];
  if (one.length !== other.length) return `${(one.length - 2) / 2} and ${(other.length - 2) / 2} bytes`;
  let at = 2;
  while (one[at] === other[at]) at++;
  return `first at byte ${(at >> 1) - 1}`;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

const differs = (reason: string): Agreement => ({ agrees: false, reason });
const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
