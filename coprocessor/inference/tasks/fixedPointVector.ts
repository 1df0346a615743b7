import type { ModelManifest } from "@sibyl/sdk";
import { readInt256, WORD } from "@sibyl/sdk/codec/words";
import { formatWad } from "@sibyl/sdk/fixedPoint";
import { inferenceError } from "../inferenceError.ts";

/** Decimals of a WAD, and so the most that a vector can have. */
const WAD_DECIMALS = 18;

const BITS = { int32: 32, int64: 64 } as const;
export type IntegerType = keyof typeof BITS;

export function isInteger(type: string): type is IntegerType {
  return Object.hasOwn(BITS, type);
}

/**
 * How many decimals a graph of integers wants its numbers in: `task.decimals`, 0 to 18.
 *
 * @throws CoprocessorError `inference/model-failed` when the manifest does not say.
 */
export function decimalsOf({ name, task: { decimals } }: ModelManifest): number {
  if (
    typeof decimals === "number" &&
    Number.isInteger(decimals) &&
    decimals >= 0 &&
    decimals <= WAD_DECIMALS
  ) {
    return decimals;
  }
  throw inferenceError(
    "model-failed",
    `task.decimals of the manifest must be 0 to ${WAD_DECIMALS} for a graph of integers, not ${JSON.stringify(decimals)}`,
    { meta: { model: name, decimals } },
  );
}

/** Below it a quotient of doubles is off by less than `NEAR_HALF`, and fits every type. */
const MOST_SURE = 2 ** 31 - 1;
/** How near to the middle of two integers nobody can say from a double which of them is nearer. */
const NEAR_HALF = 1e-6;

/**
 * WAD numbers as integers of `decimals` decimals, to the nearest, halves away from zero. The same integers on every
 * machine: a double says which one is nearest only where it cannot be wrong, and else integer arithmetic does.
 *
 * @param words Of an int256 each.
 * @throws CoprocessorError `inference/bad-input` when a number does not fit the type.
 */
export function integersOf(words: DataView, decimals: number, type: IntegerType): Int32Array | BigInt64Array {
  const count = words.byteLength / WORD;
  const unit = 10 ** (WAD_DECIMALS - decimals);
  const narrow = type === "int32" ? new Int32Array(count) : null;
  const wide = type === "int64" ? new BigInt64Array(count) : null;
  for (let index = 0, at = 0; index < count; index += 1, at += WORD) {
    const quotient = isInt64(words, at) ? int64(words, at + 24) / unit : Number.NaN;
    const nearest = Math.round(quotient);
    const isSure = Math.abs(quotient) < MOST_SURE && Math.abs(Math.abs(quotient - nearest) - 0.5) > NEAR_HALF;
    const integer = isSure ? nearest : integerOf(readInt256(words, at), index, decimals, type);
    if (narrow) narrow[index] = Number(integer);
    if (wide) wide[index] = BigInt(integer);
  }
  return (narrow ?? wide) as Int32Array | BigInt64Array;
}

/** Whether the upper 24 bytes of a word are nothing but the sign of the lower 8. */
function isInt64(words: DataView, offset: number): boolean {
  const sign = words.getInt32(offset + 24) >> 31;
  for (let at = offset; at < offset + 24; at += 4) if (words.getInt32(at) !== sign) return false;
  return true;
}

/** To the nearest double. */
const int64 = (words: DataView, offset: number): number =>
  words.getInt32(offset) * 2 ** 32 + words.getUint32(offset + 4);

function integerOf(wad: bigint, index: number, decimals: number, type: IntegerType): bigint {
  const unit = 10n ** BigInt(WAD_DECIMALS - decimals);
  // BigInt division cuts towards zero, so half a unit more in the number's own direction rounds to the nearest.
  const integer = (wad + (wad < 0n ? -unit : unit) / 2n) / unit;
  if (BigInt.asIntN(BITS[type], integer) === integer) return integer;
  throw inferenceError("bad-input", `number ${index} (${formatWad(wad)}) is beyond ${type}`, {
    meta: { index, decimals, type },
  });
}
