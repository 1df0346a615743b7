import { encodeOutput } from "@sibyl/sdk";
import { bytesToHex, type Hex } from "viem";
import { exact, type Pair, pair, within } from "./comparisonPair.ts";

/** Tensors of floats near and far, and of integers, which have no distance. */
export function tensorPairs(): Pair[] {
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

/** A tensor of floats whose values its type can hold exactly. */
export function floats(dtype: 1 | 10 | 11 | 16, shape: number[], ...values: number[]): Hex {
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
