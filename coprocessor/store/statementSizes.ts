/*
 * The embedded database keeps statements prepared by their text, and a text has as many parameters as a list is long. Lists of
 * few lengths keep such texts few.
 */

/** Longest list in one statement. */
const LONGEST = 256;

/** Lists of 1, 2, 4, ... items, that together are `items`; for rows, each of which must be there once. */
export function* inPowersOfTwo<T>(items: readonly T[], longest = LONGEST): Generator<readonly T[]> {
  for (let at = 0; at < items.length; ) {
    const length = Math.min(longest, 2 ** Math.floor(Math.log2(items.length - at)));
    yield items.slice(at, at + length);
    at += length;
  }
}
