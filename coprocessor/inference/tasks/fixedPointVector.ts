import { formatWad, type ModelManifest } from "@sibyl/sdk";
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

/**
 * WAD numbers as integers of `decimals` decimals, to the nearest, halves away from zero. Integer arithmetic throughout,
 * so every machine feeds the same numbers.
 *
 * @throws CoprocessorError `inference/bad-input` when a number does not fit the type.
 */
export function integersOf(
  wads: readonly bigint[],
  decimals: number,
  type: IntegerType,
): Int32Array | BigInt64Array {
  const unit = 10n ** BigInt(WAD_DECIMALS - decimals);
  const integers = wads.map((wad, index) => {
    // BigInt division cuts towards zero, so half a unit more in the number's own direction rounds to the nearest.
    const integer = (wad + (wad < 0n ? -unit : unit) / 2n) / unit;
    if (BigInt.asIntN(BITS[type], integer) === integer) return integer;
    throw inferenceError("bad-input", `number ${index} (${formatWad(wad)}) is beyond ${type}`, {
      meta: { index, decimals, type },
    });
  });
  return type === "int64" ? BigInt64Array.from(integers) : Int32Array.from(integers, Number);
}
