import {
  decodeInput,
  decodeOutput,
  encodeInput,
  encodeOutput,
  type InputCodec,
  OUTPUT_CODECS,
  type OutputCodec,
  type Tensor,
  toWad,
  WAD,
} from "@sibyl/sdk";
import { bytesToHex, encodeAbiParameters, type Hex, stringToHex } from "viem";
import { uint } from "./draw.ts";

const INT256_MAX = (1n << 255n) - 1n;
const INT256_MIN = -(1n << 255n);
const UINT256_MAX = (1n << 256n) - 1n;

/** Encoded inputs and outputs beside their values, and bytes that every decoder must refuse. */
export function codecVectors(): Record<string, object> {
  return {
    codecClassification: { cases: classifications() },
    codecScores: { cases: scores() },
    codecScalar: { cases: scalars() },
    codecVector: { cases: vectors() },
    codecText: { cases: texts() },
    codecBytes: { cases: ["0x", "0x00", `0x${"ab".repeat(32)}`, `0x${"cd".repeat(100)}`].map(bytesCase) },
    codecTensor: { cases: tensors() },
    codecInvalid: { cases: invalid() },
    fixedPoint: { cases: numbers() },
  };
}

function classifications() {
  const values = [
    { label: 0, confidence: 0n },
    { label: 1, confidence: WAD },
    { label: 1, confidence: toWad(0.987654321) },
    { label: 4_294_967_295, confidence: 1n },
  ];
  return values.map((value) => ({ ...value, encoded: encodeOutput("classification", value) }));
}

function scores() {
  const values = [
    { label: 0, confidence: WAD, scores: [WAD] },
    { label: 1, confidence: 600_000_000_000_000_000n, scores: [4n * 10n ** 17n, 6n * 10n ** 17n] },
    {
      label: 9,
      confidence: 5n,
      scores: Array.from({ length: 10 }, (_, index) => uint(`score ${index}`, 60)),
    },
    { label: 0, confidence: 0n, scores: [UINT256_MAX, 0n] },
  ];
  return values.map((value) => ({ ...value, encoded: encodeOutput("scores", value) }));
}

function scalars() {
  return [0n, 1n, -1n, WAD, -WAD, toWad(-0.1), INT256_MAX, INT256_MIN].map((value) => ({
    value,
    encoded: encodeOutput("scalar", value),
  }));
}

function vectors() {
  const values = [
    [],
    [0n],
    [WAD, -WAD, 0n],
    [INT256_MAX, INT256_MIN],
    Array.from({ length: 33 }, (_, i) => BigInt(i)),
  ];
  return values.map((value) => ({ value, encoded: encodeOutput("vector", value) }));
}

function texts() {
  const values = [
    "",
    "a",
    "x".repeat(32),
    "x".repeat(33),
    "Gratuliere! Du hast gewonnen: 1.000 €",
    "\ufeff日本語 😀",
  ];
  return values.map((value) => ({ value, utf8: stringToHex(value), encoded: encodeOutput("text", value) }));
}

function bytesCase(value: string) {
  return { value, encoded: encodeInput("bytes", value as Hex) };
}

function tensors() {
  const values: Tensor[] = [
    { dtype: 1, shape: [2, 2], data: floats([0, 1, -1.5, 3.25]) },
    { dtype: 1, shape: [], data: floats([0.1]) },
    { dtype: 2, shape: [1, 3], data: "0x00ff80" },
    { dtype: 3, shape: [4], data: "0x007f80ff" },
    { dtype: 7, shape: [1], data: "0xffffffffffffffff" },
    { dtype: 9, shape: [3], data: "0x000100" },
    { dtype: 6, shape: [0, 5], data: "0x" },
    { dtype: 11, shape: [1], data: "0x9a9999999999b93f" },
  ];
  return values.map((value) => ({ ...value, encoded: encodeOutput("tensor", value) }));
}

/**
 * `error` is the SDK's error class. `revertsOnChain`: whether Solidity's decoder refuses it too. It checks the layout;
 * that values make sense (NaN, UTF-8, confidence up to 1, data that fits its shape) is the operators' to check.
 */
function invalid() {
  const good = encodeOutput("classification", { label: 1, confidence: WAD });
  const word = (value: bigint) => value.toString(16).padStart(64, "0");
  const bytes = (value: Hex) => encodeAbiParameters([{ type: "bytes" }], [value]);
  const tensor = (dtype: number, shape: number[], data: Hex) =>
    encodeAbiParameters([{ type: "uint8" }, { type: "uint32[]" }, { type: "bytes" }], [dtype, shape, data]);
  const cases: { codec: string; why: string; encoded: Hex }[] = [
    { codec: "classification", why: "empty", encoded: "0x" },
    { codec: "classification", why: "one byte short", encoded: good.slice(0, -2) as Hex },
    { codec: "classification", why: "a trailing byte", encoded: `${good}00` },
    { codec: "classification", why: "a trailing word", encoded: `${good}${word(0n)}` },
    {
      codec: "classification",
      why: "dirty bits above the label",
      encoded: `0x${word(1n << 32n)}${word(1n)}`,
    },
    { codec: "classification", why: "confidence above 1", encoded: `0x${word(0n)}${word(WAD + 1n)}` },
    {
      codec: "scores",
      why: "label without a score",
      encoded: `0x${word(1n)}${word(0n)}${word(96n)}${word(1n)}${word(5n)}`,
    },
    {
      codec: "scores",
      why: "the offset leaves a gap",
      encoded: `0x${word(0n)}${word(0n)}${word(128n)}${word(0n)}${word(1n)}${word(5n)}`,
    },
    {
      codec: "scores",
      why: "the offset points outside",
      encoded: `0x${word(0n)}${word(0n)}${word(UINT256_MAX)}`,
    },
    { codec: "scalar", why: "31 bytes", encoded: `0x${"00".repeat(31)}` },
    { codec: "scalar", why: "two words", encoded: `0x${word(1n)}${word(2n)}` },
    { codec: "vector", why: "longer than its bytes", encoded: `0x${word(32n)}${word(2n)}${word(1n)}` },
    {
      codec: "vector",
      why: "shorter than its bytes",
      encoded: `0x${word(32n)}${word(1n)}${word(1n)}${word(1n)}`,
    },
    { codec: "vector", why: "an absurd length", encoded: `0x${word(32n)}${word(UINT256_MAX)}` },
    { codec: "text", why: "dirty padding", encoded: `0x${word(32n)}${word(1n)}61${"00".repeat(30)}01` },
    { codec: "text", why: "no padding", encoded: `0x${word(32n)}${word(1n)}61` },
    { codec: "text", why: "no UTF-8", encoded: bytes("0xff") },
    { codec: "text", why: "a surrogate in UTF-8", encoded: bytes("0xeda080") },
    { codec: "bytes", why: "the offset is 0", encoded: `0x${word(0n)}` },
    { codec: "tensor", why: "an unknown dtype", encoded: tensor(8, [1], "0x00") },
    { codec: "tensor", why: "fewer bytes than its shape", encoded: tensor(1, [2], floats([1])) },
    {
      codec: "tensor",
      why: "a shape beyond all memory",
      encoded: tensor(2, [4_294_967_295, 4_294_967_295], "0x00"),
    },
    { codec: "tensor", why: "a bool of 2", encoded: tensor(9, [1], "0x02") },
    { codec: "tensor", why: "a float32 NaN", encoded: tensor(1, [1], "0x0000c07f") },
    { codec: "tensor", why: "a float32 infinity", encoded: tensor(1, [2], "0x00000000000080ff") },
    { codec: "tensor", why: "a float16 NaN", encoded: tensor(10, [1], "0x017e") },
    { codec: "tensor", why: "a bfloat16 infinity", encoded: tensor(16, [1], "0x807f") },
    { codec: "tensor", why: "a float64 NaN", encoded: tensor(11, [1], "0x000000000000f87f") },
  ];
  return cases.map((one) => {
    const error = errorOf(one.codec, one.encoded);
    const layout = error === "AbiDecodingError" || error === "NonCanonicalError";
    // Padding is never read on chain.
    return { ...one, error, revertsOnChain: layout && one.why !== "dirty padding" };
  });
}

function errorOf(codec: string, encoded: Hex): string {
  try {
    if ((OUTPUT_CODECS as readonly string[]).includes(codec)) decodeOutput(codec as OutputCodec, encoded);
    else decodeInput(codec as InputCodec, encoded);
  } catch (error) {
    return (error as Error).name;
  }
  throw new Error(`The ${codec} decoder takes ${encoded}, which it must refuse.`);
}

/** `number` is the shortest decimal that names the double, `wad` its exact value to the nearest 1e-18. */
function numbers() {
  const values = [
    0,
    1,
    -1,
    0.5,
    0.1,
    -0.1,
    1e-18,
    1.5e-18,
    2.5e-18,
    5e-19,
    4.9e-19,
    5e-324,
    1e21,
    123456.789,
    2 ** 60,
    -(2 ** 195),
    0.9999999999999999,
    Number.MIN_VALUE,
    1 / 3,
    Math.fround(0.1),
    Math.fround(0.9876543),
    2 ** -18,
    2 ** -19,
    3 * 2 ** -19,
  ];
  return values.map((value) => ({ number: String(value), wad: toWad(value) }));
}

function floats(values: number[]): Hex {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true);
  return bytesToHex(new Uint8Array(view.buffer));
}
