import {
  agree,
  type DeterminismProfile,
  dtypeCode,
  encodeOutput,
  type OutputCodec,
  packProfile,
  parseWad,
  WAD,
} from "@sibyl/sdk";
import { bytesToHex, concat, encodeAbiParameters, type Hex, toHex } from "viem";
import { uint } from "./draw.ts";

const INT256_MAX = (1n << 255n) - 1n;
const INT256_MIN = -(1n << 255n);
const UINT256_MAX = (1n << 256n) - 1n;

interface Pair {
  why: string;
  codec: OutputCodec;
  profile: DeterminismProfile;
  a: Hex;
  b: Hex;
}

const exact: DeterminismProfile = { kind: "exact" };
const within = (abs: string, rel: string): DeterminismProfile => ({ kind: "tolerance", abs, rel });

/**
 * Pairs of outputs and whether they agree, by the SDK.
 *
 * `comparable`: whether the contracts can compare them; two different float64 tensors within a tolerance they refuse.
 */
export function comparisonVectors(): Record<string, object> {
  const pairs = [
    ...labelled(),
    ...scalars(),
    ...lists(),
    ...tensors(),
    ...malformed(),
    ...Array.from({ length: 96 }, (_, index) => random(index)),
  ];
  const cases = pairs.map(asCase);
  // By columns, because forge cannot afford to parse so long a file once for every value.
  const columns = (Object.keys(cases[0] as object) as (keyof (typeof cases)[number])[]).map((key) => [
    key,
    cases.map((one) => one[key]),
  ]);
  return { comparison: Object.fromEntries(columns) };
}

function asCase({ why, codec, profile, a, b }: Pair) {
  const { agrees } = agree(codec, profile, a, b);
  if (agree(codec, profile, b, a).agrees !== agrees) throw new Error(`agree is not symmetric: ${why}`);
  const float64 = (output: Hex) => output.startsWith(toHex(dtypeCode("float64"), { size: 32 }));
  const comparable = !(
    codec === "tensor" &&
    profile.kind === "tolerance" &&
    a !== b &&
    float64(a) &&
    float64(b)
  );
  return { why, profile: packProfile({ output: { codec }, profile }), a, b, agrees, comparable };
}

function labelled(): Pair[] {
  const classification = (label: number, confidence: bigint) =>
    encodeOutput("classification", { label, confidence });
  const scores = (label: number, confidence: bigint, ...all: bigint[]) =>
    encodeOutput("scores", { label, confidence, scores: all });
  const tenth = WAD / 10n;
  const loose = within("0.1", "0");
  return [
    pair("the same bytes", "classification", exact, classification(1, 5n), classification(1, 5n)),
    pair("exact, one wei apart", "classification", exact, classification(1, 5n), classification(1, 6n)),
    pair("exactly abs apart", "classification", loose, classification(1, 5n), classification(1, 5n + tenth)),
    pair("one wei over abs", "classification", loose, classification(1, 5n), classification(1, 6n + tenth)),
    pair("another label", "classification", within("1", "1"), classification(1, 5n), classification(2, 5n)),
    pair(
      "no tolerance, one wei",
      "classification",
      within("0", "0"),
      classification(1, 5n),
      classification(1, 6n),
    ),
    pair("scores within abs", "scores", loose, scores(0, 5n, WAD, 0n), scores(0, 5n, WAD - tenth, tenth)),
    pair("one score too far", "scores", loose, scores(0, 5n, WAD, 0n), scores(0, 5n, WAD, tenth + 1n)),
    pair("the confidence too far", "scores", loose, scores(0, 0n, WAD), scores(0, tenth + 1n, WAD)),
    pair("another count of scores", "scores", within("1", "1"), scores(0, 5n, WAD), scores(0, 5n, WAD, 0n)),
    pair("another best label", "scores", within("1", "1"), scores(0, 5n, 1n, 1n), scores(1, 5n, 1n, 1n)),
    pair(
      "the highest score and zero",
      "scores",
      within("0", "1"),
      scores(0, 5n, UINT256_MAX),
      scores(0, 5n, 0n),
    ),
    pair(
      "the highest scores",
      "scores",
      loose,
      scores(0, 5n, UINT256_MAX),
      scores(0, 5n, UINT256_MAX - tenth),
    ),
    pair(
      "the highest, too far",
      "scores",
      loose,
      scores(0, 5n, UINT256_MAX),
      scores(0, 5n, UINT256_MAX - tenth - 1n),
    ),
  ];
}

function scalars(): Pair[] {
  const scalar = (value: bigint) => encodeOutput("scalar", value);
  const of = (why: string, profile: DeterminismProfile, a: bigint, b: bigint) =>
    pair(why, "scalar", profile, scalar(a), scalar(b));
  const percent = within("0", "0.01");
  const half = within("0", "0.5");
  return [
    of("exactly rel apart", percent, 100n * WAD, 99n * WAD),
    of("one wei over rel", percent, 100n * WAD, 99n * WAD - 1n),
    of("rel of the larger one", percent, 10_000n, 9_900n),
    of("rel rounds nothing up", percent, 101n, 99n),
    of("rel rounds nothing down", percent, 199n, 198n),
    of("negative, exactly rel apart", percent, -100n * WAD, -99n * WAD),
    of("negative, one wei over", percent, -100n * WAD, -99n * WAD + 1n),
    of("over zero within abs", within("0.000000000000000003", "0"), -1n, 2n),
    of("over zero, one wei over abs", within("0.000000000000000003", "0"), -2n, 2n),
    of("over zero, rel never allows it", within("0", "1"), -1n, 1n),
    of("zero and anything, rel one", within("0", "1"), 0n, INT256_MIN),
    of("zero and one wei, rel below one", within("0", "0.999999999999999999"), 0n, 1n),
    of("the lowest and itself less one", within("0.000000000000000001", "0"), INT256_MIN, INT256_MIN + 1n),
    of("the extremes, rel one", within("0", "1"), INT256_MIN, INT256_MAX),
    of("the extremes, all that abs can be", within("1000000000000000000", "1"), INT256_MIN, INT256_MAX),
    of("the highest and half of it", half, INT256_MAX, INT256_MAX / 2n + 1n),
    of("the highest and less than half", half, INT256_MAX, INT256_MAX / 2n),
    of("the lowest and half of it", half, INT256_MIN, INT256_MIN / 2n),
    of("the lowest and less than half", half, INT256_MIN, INT256_MIN / 2n + 1n),
    of("abs allows what rel does not", within("1", "0.01"), 2n * WAD, WAD),
    of("rel allows what abs does not", within("0.000000000000000001", "0.5"), 2n * WAD, WAD),
    of("exact and equal", exact, -7n, -7n),
  ];
}

function lists(): Pair[] {
  const vector = (...values: bigint[]) => encodeOutput("vector", values);
  const text = (value: string) => encodeOutput("text", value);
  const loose = within("0.1", "0");
  return [
    pair("vectors within abs", "vector", loose, vector(1n, -1n, WAD), vector(2n, 1n, WAD)),
    pair("the last of a vector too far", "vector", loose, vector(1n, 0n), vector(1n, WAD)),
    pair("longer by one", "vector", within("1", "1"), vector(1n), vector(1n, 1n)),
    pair("empty vectors", "vector", loose, vector(), vector()),
    pair("text, equal", "text", exact, text("yes"), text("yes")),
    pair("text, different", "text", exact, text("yes"), text("no")),
  ];
}

function tensors(): Pair[] {
  const loose = within("0.1", "0");
  const tiny = within("0.000000000000000001", "0");
  const pairs: Pair[] = [
    pair("float32, equal", "tensor", loose, floats(1, [2], 1, 2), floats(1, [2], 1, 2)),
    pair("float32, within abs", "tensor", loose, floats(1, [2], 1, 2), floats(1, [2], 1.0625, 2)),
    pair("float32, too far", "tensor", loose, floats(1, [2], 1, 2), floats(1, [2], 1, 2.125)),
    pair("float32, another shape", "tensor", loose, floats(1, [2, 1], 1, 2), floats(1, [1, 2], 1, 2)),
    pair("float32, another rank", "tensor", loose, floats(1, [], 1), floats(1, [1], 1)),
    pair("float32 and float16", "tensor", loose, floats(1, [1], 1), floats(10, [2], 1, 1)),
    pair("float32, two zeros", "tensor", within("0", "0"), floats(1, [1], 0), floats(1, [1], -0)),
    pair(
      "float32, subnormal is below a wei",
      "tensor",
      within("0", "0"),
      floats(1, [1], 2 ** -149),
      floats(1, [1], 0),
    ),
    pair(
      "float32, half a wei rounds to even",
      "tensor",
      within("0", "0"),
      floats(1, [1], 2 ** -61),
      floats(1, [1], 0),
    ),
    pair("float32, near a wei", "tensor", tiny, floats(1, [1], 1e-18), floats(1, [1], 2e-18)),
    pair(
      "float32, the largest and its neighbour",
      "tensor",
      within("0", "0.000001"),
      floats(1, [1], 3.4028234663852886e38),
      floats(1, [1], 3.4028232635611926e38),
    ),
    pair(
      "float32, the extremes",
      "tensor",
      within("0", "1"),
      floats(1, [1], 3.4028234663852886e38),
      floats(1, [1], -3.4028234663852886e38),
    ),
    pair("float32, empty", "tensor", loose, floats(1, [0, 5]), floats(1, [0, 5])),
    pair(
      "float16, within abs",
      "tensor",
      loose,
      floats(10, [3], 1, 0.5, -2),
      floats(10, [3], 1.0625, 0.5, -2),
    ),
    pair(
      "float16, subnormal",
      "tensor",
      within("0.00000006", "0"),
      floats(10, [1], 2 ** -24),
      floats(10, [1], 0),
    ),
    pair(
      "float16, subnormal too far",
      "tensor",
      within("0.00000005", "0"),
      floats(10, [1], 2 ** -24),
      floats(10, [1], 0),
    ),
    pair("bfloat16, within rel", "tensor", within("0", "0.01"), floats(16, [1], 128), floats(16, [1], 129)),
    pair("bfloat16, beyond rel", "tensor", within("0", "0.0077"), floats(16, [1], 128), floats(16, [1], 129)),
    pair("float64, within abs", "tensor", loose, floats(11, [1], 1), floats(11, [1], 1.01)),
    pair("float64, equal", "tensor", loose, floats(11, [1], 1e300), floats(11, [1], 1e300)),
    pair("float64, exact", "tensor", exact, floats(11, [1], 1), floats(11, [1], 1.01)),
  ];
  const bytes = (dtype: number, data: Hex) => encodeOutput("tensor", { dtype, shape: [2], data });
  pairs.push(
    pair("uint8, equal", "tensor", loose, bytes(2, "0x0102"), bytes(2, "0x0102")),
    pair(
      "uint8, one apart: integers have no distance",
      "tensor",
      within("1", "1"),
      bytes(2, "0x0102"),
      bytes(2, "0x0103"),
    ),
    pair("bool, different", "tensor", within("1", "1"), bytes(9, "0x0100"), bytes(9, "0x0101")),
  );
  return pairs;
}

/** What does not decode agrees with nothing but its equal. */
function malformed(): Pair[] {
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

/** Numbers drawn so that about half of the pairs are near. */
function random(index: number): Pair {
  const draw = (what: string, bits: number) => uint(`comparison ${index} ${what}`, bits);
  const profile = within(
    `0.${draw("abs", 40).toString().padStart(18, "0")}`,
    `0.${draw("rel", 50).toString().padStart(18, "0")}`,
  );
  const value = draw("value", 60 + (index % 4) * 48) * (index % 2 === 0 ? 1n : -1n);
  const size = value < 0n ? -value : value;
  const [abs, rel] = profile.kind === "tolerance" ? [parseWad(profile.abs), parseWad(profile.rel)] : [0n, 0n];
  const allowed = abs > (rel * size) / WAD ? abs : (rel * size) / WAD;
  const steps = [-1n, 0n, 1n, 2n, allowed / 1000n, -allowed / 3n];
  const step = allowed + (steps[index % steps.length] as bigint);
  const other = value < 0n ? value + step : value - step;
  if (index % 3 === 0)
    return pair(
      `random ${index}`,
      "vector",
      profile,
      encodeOutput("vector", [value, 5n]),
      encodeOutput("vector", [other, 5n]),
    );
  return pair(
    `random ${index}`,
    "scalar",
    profile,
    encodeOutput("scalar", value),
    encodeOutput("scalar", other),
  );
}

function pair(why: string, codec: OutputCodec, profile: DeterminismProfile, a: Hex, b: Hex): Pair {
  return { why: `${codec}: ${why}`, codec, profile, a, b };
}

function flipLastBit(encoded: Hex): Hex {
  if (encoded.length < 4) return `${encoded}01`;
  const last = Number.parseInt(encoded.slice(-2), 16) ^ 1;
  return `${encoded.slice(0, -2)}${last.toString(16).padStart(2, "0")}` as Hex;
}

/** A tensor of floats whose values its type can hold exactly. */
function floats(dtype: 1 | 10 | 11 | 16, shape: number[], ...values: number[]): Hex {
  const data = values.map((value) => float(dtype, value).slice(2)).join("");
  return encodeOutput("tensor", { dtype, shape, data: `0x${data}` });
}

function float(dtype: 1 | 10 | 11 | 16, value: number): Hex {
  const view = new DataView(new ArrayBuffer(8));
  if (dtype === 11) view.setFloat64(0, value, true);
  else view.setFloat32(0, value, true);
  const bytes = new Uint8Array(view.buffer);
  if (dtype === 11) return bytesToHex(bytes);
  if (dtype === 1) return bytesToHex(bytes.slice(0, 4));
  if (dtype === 16) return bytesToHex(bytes.slice(2, 4));
  return bytesToHex(float16(value));
}

function float16(value: number): Uint8Array {
  const size = Math.abs(value);
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const fraction = size / 2 ** (exponent - 10);
  const biased = fraction < 1024 ? 0 : exponent + 15;
  const bits = (value < 0 ? 0x8000 : 0) | (biased << 10) | (fraction & 0x3ff);
  return Uint8Array.of(bits & 0xff, bits >> 8);
}
