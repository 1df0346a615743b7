import { encodeOutput, type OutputCodec, WAD } from "@sibyl/sdk";
import { concat, encodeAbiParameters, type Hex, toHex } from "viem";
import { type Pair, pair, within } from "./comparisonPair.ts";
import { floats } from "./tensorPairs.ts";

const UINT256_MAX = (1n << 256n) - 1n;

/** What does not decode agrees with nothing but its equal. */
export function malformedPairs(): Pair[] {
  const word = (value: bigint) => toHex(value, { size: 32 });
  const any = within("1", "1");
  const good = {
    classification: encodeOutput("classification", { label: 0, confidence: 1n }),
    scores: encodeOutput("scores", { label: 0, confidence: 1n, scores: [1n] }),
    scalar: encodeOutput("scalar", 1n),
    vector: encodeOutput("vector", [1n]),
    tensor: floats(1, [1], 1),
  };
  const tensor = (dtype: number, shape: number[], data: Hex) =>
    encodeAbiParameters([{ type: "uint8" }, { type: "uint32[]" }, { type: "bytes" }], [dtype, shape, data]);
  const bad: [OutputCodec & keyof typeof good, string, Hex][] = [
    ["classification", "empty", "0x"],
    ["classification", "confidence above one", concat([word(0n), word(WAD + 1n)])],
    ["classification", "dirty bits above the label", concat([word(1n << 32n), word(1n)])],
    ["classification", "a trailing byte", `${good.classification}00`],
    ["scores", "a label without a score", concat([word(1n), word(1n), word(96n), word(1n), word(1n)])],
    ["scores", "another offset", concat([word(0n), word(1n), word(128n), word(1n), word(1n)])],
    ["scores", "a count beyond the bytes", concat([word(0n), word(1n), word(96n), word(2n), word(1n)])],
    [
      "scores",
      "a count of nearly 2^256",
      concat([word(0n), word(1n), word(96n), word(UINT256_MAX), word(1n)]),
    ],
    ["scores", "confidence above one", concat([word(0n), word(WAD + 1n), word(96n), word(1n), word(1n)])],
    ["scalar", "31 bytes", `0x${"01".repeat(31)}`],
    ["vector", "another offset", concat([word(64n), word(1n), word(1n)])],
    ["vector", "a count beyond the bytes", concat([word(32n), word(2n), word(1n)])],
    ["vector", "half a word", concat([word(32n), word(1n), "0x01"])],
    ["tensor", "empty", "0x"],
    ["tensor", "NaN", tensor(1, [1], "0x0000c07f")],
    ["tensor", "an infinity", tensor(1, [1], "0x000080ff")],
    ["tensor", "an unknown dtype", tensor(8, [1], "0x00000000")],
    ["tensor", "dirty padding", `${good.tensor.slice(0, -2)}01` as Hex],
    ["tensor", "more bytes than its shape", tensor(1, [1], "0x0000000000000000")],
    ["tensor", "fewer bytes than its shape", tensor(1, [2], "0x00000000")],
    ["tensor", "a shape beyond all memory", tensor(1, Array(12).fill(0xffff_ffff), "0x00000000")],
    [
      "tensor",
      "the data's offset leaves a gap",
      good.tensor.replace(word(160n).slice(2), word(192n).slice(2)) as Hex,
    ],
    [
      "tensor",
      "a rank beyond the bytes",
      good.tensor.replace(
        word(160n).slice(2) + word(1n).slice(2),
        word(160n).slice(2) + word(9n).slice(2),
      ) as Hex,
    ],
  ];
  return bad.flatMap(([codec, why, encoded]) => [
    pair(`${why}, against a good one`, codec, any, encoded, good[codec]),
    pair(`${why}, against itself`, codec, any, encoded, encoded),
    pair(`${why}, against its like`, codec, any, encoded, flipLastBit(encoded)),
  ]);
}

function flipLastBit(encoded: Hex): Hex {
  if (encoded.length < 4) return `${encoded}01`;
  const last = Number.parseInt(encoded.slice(-2), 16) ^ 1;
  return `${encoded.slice(0, -2)}${last.toString(16).padStart(2, "0")}` as Hex;
}
