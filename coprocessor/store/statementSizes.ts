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

/** Lists as long as a power of two, the last one filled up with repeats; for keys that are looked for. */
export function* filledUp<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += LONGEST) {
    const part = items.slice(at, at + LONGEST);
    const length = 2 ** Math.ceil(Math.log2(part.length));
    yield [...part, ...new Array<T>(length - part.length).fill(part[0] as T)];
  }
}
