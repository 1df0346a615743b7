import { concat, type Hex } from "viem";
import { dtypeOf } from "./codec/dtype.ts";
import type { OutputCodec, OutputValues } from "./codec/output.ts";
import { type Tensor, tensorValues } from "./codec/tensor.ts";
import { exactWad } from "./fixedPoint.ts";

/** One number of an output. */
export interface Component {
  /** Where it stands: `confidence`, `scores[2]`. */
  name: string;
  wad: bigint;
  /** As it stands in the output, to put back unchanged. */
  raw: bigint | Hex;
}

/** An output split into what must be equal and what may be near. */
export interface Components<Codec extends OutputCodec> {
  /** Label, shape, dtype, or the whole output where nothing has a distance, as text to compare and to show. */
  fixed: string;
  components: Component[];
  /** The output with other numbers in the same places. */
  rebuild: (components: readonly Component[]) => OutputValues[Codec];
}

/** Splits a decoded output for comparison. */
export function componentsOf<Codec extends OutputCodec>(
  codec: Codec,
  value: OutputValues[Codec],
): Components<Codec> {
  return SPLITTERS[codec](value);
}

const SPLITTERS: { [Codec in OutputCodec]: (value: OutputValues[Codec]) => Components<Codec> } = {
  classification: (value) =>
    split<"classification">(
      `label ${value.label}`,
      [wadComponent("confidence", value.confidence)],
      ([confidence]) => ({ label: value.label, confidence: number(confidence) }),
    ),
  scores: (value) =>
    split<"scores">(
      `label ${value.label} of ${value.scores.length}`,
      [
        wadComponent("confidence", value.confidence),
        ...value.scores.map((score, index) => wadComponent(`scores[${index}]`, score)),
      ],
      ([confidence, ...scores]) => ({
        label: value.label,
        confidence: number(confidence),
        scores: scores.map(number),
      }),
    ),
  scalar: (value) => split<"scalar">("scalar", [wadComponent("scalar", value)], ([scalar]) => number(scalar)),
  vector: (value) =>
    split<"vector">(
      `vector of ${value.length}`,
      value.map((item, index) => wadComponent(`vector[${index}]`, item)),
      (items) => items.map(number),
    ),
  text: (value) => split<"text">(`text ${JSON.stringify(value)}`, [], () => value),
  tensor: (value) => {
    const dtype = dtypeOf(value.dtype);
    const shape = `${dtype.name}[${value.shape.join(",")}]`;
    if (dtype.kind !== "float") return split<"tensor">(`tensor ${shape} ${value.data}`, [], () => value);
    return split<"tensor">(`tensor ${shape}`, tensorComponents(value, dtype.bytes), (items) => ({
      ...value,
      data: concat(items.map((item) => item.raw as Hex)),
    }));
  },
};

function split<Codec extends OutputCodec>(
  fixed: string,
  components: Component[],
  rebuild: (components: readonly Component[]) => OutputValues[Codec],
): Components<Codec> {
  return { fixed, components, rebuild };
}

function wadComponent(name: string, wad: bigint): Component {
  return { name, wad, raw: wad };
}

function number(component: Component | undefined): bigint {
  return component?.raw as bigint;
}

function tensorComponents(tensor: Tensor, width: number): Component[] {
  return tensorValues(tensor).map((value, index) => ({
    name: `tensor[${index}]`,
    wad: exactWad(Number(value)),
    raw: `0x${tensor.data.slice(2 + 2 * width * index, 2 + 2 * width * (index + 1))}`,
  }));
}
