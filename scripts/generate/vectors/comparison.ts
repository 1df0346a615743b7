import {
  agree,
  type DeterminismProfile,
  dtypeCode,
  encodeOutput,
  packProfile,
  parseWad,
  WAD,
} from "@sibyl/sdk";
import { type Hex, toHex } from "viem";
import { exact, type Pair, pair, within } from "./comparisonPair.ts";
import { uint } from "./draw.ts";
import { malformedPairs } from "./malformedPairs.ts";
import { tensorPairs } from "./tensorPairs.ts";

const INT256_MAX = (1n << 255n) - 1n;
const INT256_MIN = -(1n << 255n);
const UINT256_MAX = (1n << 256n) - 1n;

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
    ...tensorPairs(),
    ...malformedPairs(),
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
