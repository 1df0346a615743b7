import { encodeInput, parseWad } from "@sibyl/sdk";
import { encodeAbiParameters, type Hex } from "viem";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";

/** An input that no model can answer, and what is wrong with it. */
export interface Malformed {
  fault: string;
  input: Hex;
}

/** Numbers from 0 to 1, 1 excluded, that follow from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TENSOR = [
  { name: "dtype", type: "uint8" },
  { name: "shape", type: "uint32[]" },
  { name: "data", type: "bytes" },
] as const;
/** Written past our own encoder, which refuses what is wrong. */
const rawTensor = (dtype: number, shape: readonly number[], data: Hex): Hex =>
  encodeAbiParameters(TENSOR, [dtype, shape, data]);
const rawString = (bytes: Hex): Hex => encodeAbiParameters([{ type: "bytes" }], [bytes]);

const FLOAT32 = 1;
const NOT_FINITE = ["0000c07f", "0000807f", "000080ff", "0100807f"];
const NO_UTF8: readonly Hex[] = [
  "0xff",
  "0xc0af",
  "0xeda080",
  "0xf5808080",
  "0xf09f91",
  "0x61e28261",
  "0xfe",
];

/** Makes one malformed input for a model of any codec; the same for the same numbers. */
export function malformed({ manifest }: ResolvedModel, good: Hex, random: () => number): Malformed {
  const below = (count: number) => Math.floor(random() * count);
  const bytes = (count: number): Hex =>
    `0x${Array.from({ length: count }, () => below(256).toString(16).padStart(2, "0")).join("")}`;
  const bytesOfGood = (good.length - 2) / 2;
  const wads = (count: number, wad: () => bigint) =>
    encodeInput("vector", Array.from({ length: count }, wad));

  const anyCodec: (() => Malformed)[] = [
    () => ({ fault: "random bytes", input: bytes(below(400)) }),
    () => ({ fault: "cut off", input: good.slice(0, 2 + 2 * below(bytesOfGood)) as Hex }),
    () => ({ fault: "bytes behind", input: `${good}${bytes(1 + below(40)).slice(2)}` }),
    () => ({ fault: "half a byte", input: good.slice(0, -1) as Hex }),
    () => ({ fault: "no hex", input: `${good.slice(0, -2)}zz` as Hex }),
    () => ({ fault: "too long", input: `0x${"00".repeat(manifest.input.maxBytes + 1 + below(64))}` }),
    () => ({ fault: "an offset into nowhere", input: `0x${"ff".repeat(32)}${good.slice(66)}` }),
  ];
  const byCodec: Record<string, (() => Malformed)[]> = {
    text: [
      () => ({ fault: "blank", input: encodeInput("text", " \n\t\u00a0".repeat(below(9))) }),
      () => ({ fault: "a NUL", input: encodeInput("text", `a${"b".repeat(below(20))}\0c`) }),
      () => ({ fault: "no UTF-8", input: rawString(NO_UTF8[below(NO_UTF8.length)] as Hex) }),
      () => ({ fault: "numbers instead", input: wads(1 + below(9), () => parseWad("1")) }),
    ],
    vector: [
      () => ({ fault: "too few", input: wads(below(3), () => parseWad("1")) }),
      // Never whole rows of three: those are that many rows.
      () => ({ fault: "too many", input: wads(5 + 3 * below(7), () => parseWad("1")) }),
      () => ({ fault: "beyond the type", input: wads(4, () => 2n ** 250n + BigInt(below(2 ** 31))) }),
      () => ({ fault: "text instead", input: encodeInput("text", `${below(1e9)} apples`) }),
    ],
    tensor: [
      () => ({ fault: "another dtype", input: rawTensor(7, [1, 1], bytes(8)) }),
      () => ({ fault: "no dtype", input: rawTensor(200 + below(50), [1], bytes(4)) }),
      () => ({ fault: "another rank", input: rawTensor(FLOAT32, Array(below(2)).fill(1), "0x00000000") }),
      () => ({ fault: "no elements", input: rawTensor(FLOAT32, [0, 3], "0x") }),
      () => ({ fault: "a bomb", input: rawTensor(FLOAT32, [2 ** 32 - 1, 2 ** 32 - 1], bytes(12)) }),
      () => ({ fault: "data short of the shape", input: rawTensor(FLOAT32, [1 + below(9), 3], bytes(8)) }),
      () => {
        const bad = NOT_FINITE[below(NOT_FINITE.length)];
        return { fault: "no finite number", input: rawTensor(FLOAT32, [1, 3], `0x${"00".repeat(8)}${bad}`) };
      },
    ],
  };
  const makers = [...anyCodec, ...(byCodec[manifest.input.codec] ?? [])];
  return (makers[below(makers.length)] as () => Malformed)();
}
