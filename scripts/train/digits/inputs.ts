import { createHash } from "node:crypto";
import { decodeInput, encodeInput } from "@sibyl/sdk";
import type { Hex } from "viem";

const UINT8 = 2;
const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** 784 grey values, row by row, 0 for paper and 255 for ink. */
export type Image = Uint8Array;

export const digitInput = (image: Image): Hex =>
  encodeInput("tensor", {
    dtype: UINT8,
    shape: [1, SIDE, SIDE],
    data: `0x${Buffer.from(image).toString("hex")}`,
  });

/** The image that a canonical input holds. */
export const imageOf = (input: Hex): Image =>
  Uint8Array.from(Buffer.from(decodeInput("tensor", input).data.slice(2), "hex"));

const drawn = (grey: (row: number, column: number) => number): Image =>
  Uint8Array.from({ length: PIXELS }, (_, at) => grey(Math.floor(at / SIDE), at % SIDE));

/** Images that are no digits. */
export const AWKWARD: readonly { name: string; image: Image }[] = [
  { name: "blank paper", image: drawn(() => 0) },
  { name: "all ink", image: drawn(() => 255) },
  { name: "a checkerboard", image: drawn((row, column) => ((row + column) % 2) * 255) },
  { name: "one pixel", image: drawn((row, column) => (row === 14 && column === 14 ? 255 : 0)) },
  { name: "a ramp", image: drawn((row, column) => (row * SIDE + column) % 256) },
  { name: "noise", image: noise("awkward") },
];

function noise(seed: string): Image {
  const blocks = Array.from({ length: Math.ceil(PIXELS / 32) }, (_, block) =>
    createHash("sha256").update(`digits ${seed} ${block}`).digest(),
  );
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, PIXELS));
}

/** So many images: the given ones shifted, many with noise over them, some noise alone; the same on every machine. */
export function digitSweep(bases: readonly Image[], count: number): Hex[] {
  return Array.from({ length: count }, (_, index) => {
    const grain = noise(String(index));
    if (index % 16 === 15) return digitInput(grain);
    const base = bases[index % bases.length] as Image;
    const down = ((grain[0] as number) % 9) - 4;
    const right = ((grain[1] as number) % 9) - 4;
    const strength = index % 3;
    return digitInput(
      drawn((row, column) => {
        const [y, x] = [row - down, column - right];
        const inside = y >= 0 && y < SIDE && x >= 0 && x < SIDE;
        const ink = inside ? (base[y * SIDE + x] as number) : 0;
        return Math.min(255, ink + (((grain[row * SIDE + column] as number) * strength) >> 2));
      }),
    );
  });
}
