const SIGNERS = 8;
const BITS = 32n;
const MASK = (1n << BITS) - 1n;

/** The operator ids in `RequestSettled`'s word: eight of 32 bits, the first one highest; 0 is an empty place. */
export function unpackSigners(word: bigint): number[] {
  return Array.from({ length: SIGNERS }, (_, index) =>
    Number((word >> (BITS * BigInt(SIGNERS - 1 - index))) & MASK),
  ).filter((operatorId) => operatorId !== 0);
}
