import { type Hex, toHex } from "viem";

/** Numbers from 0 to 1, the same ones for the same seed. */
export type Random = () => number;

/** 32 bits of state, good enough to shuffle and to make things up. */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const randomBytes = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => Math.floor(random() * 256));

export const randomHex = (random: Random, length: number): Hex => toHex(randomBytes(random, length));
