import { OutOfRangeError } from "./errors.ts";

/** Field names and widths in bits, from the most significant bit down; the widths sum to at most 256. */
export type BitLayout = readonly (readonly [name: string, bits: number])[];

/**
 * Packs fields into one 256-bit word; what the layout leaves over stays zero at the low end.
 *
 * @throws OutOfRangeError when a value is negative or wider than its field.
 */
export function packBits(layout: BitLayout, fields: Readonly<Record<string, bigint>>): bigint {
  let word = 0n;
  let free = 256n;
  for (const [name, bits] of layout) {
    const value = fields[name] ?? 0n;
    if (value < 0n || value >> BigInt(bits) !== 0n) {
      throw new OutOfRangeError(name, value, `0 to 2^${bits} - 1`);
    }
    free -= BigInt(bits);
    word |= value << free;
  }
  return word;
}

/**
 * Splits a 256-bit word into its fields.
 *
 * @throws OutOfRangeError when the word is not an unsigned 256-bit number.
 */
export function unpackBits<const Layout extends BitLayout>(
  layout: Layout,
  word: bigint,
): Record<Layout[number][0], bigint> {
  if (word < 0n || word >> 256n !== 0n) throw new OutOfRangeError("word", word, "0 to 2^256 - 1");
  const fields: Record<string, bigint> = {};
  let free = 256n;
  for (const [name, bits] of layout) {
    free -= BigInt(bits);
    fields[name] = BigInt.asUintN(bits, word >> free);
  }
  return fields as Record<Layout[number][0], bigint>;
}
