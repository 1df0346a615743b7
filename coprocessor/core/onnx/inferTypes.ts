import type { ElementType, Graph, GraphNode } from "./readGraph.ts";

/** Element types by the name of a value. */
export type Types = ReadonlyMap<string, ElementType>;

/** What an operator gives whatever it takes. */
const FIXED: Readonly<Record<string, readonly ElementType[]>> = {
  MatMulInteger: ["int32"],
  ConvInteger: ["int32"],
  DynamicQuantizeLinear: ["uint8", "float32", "uint8"],
  DequantizeLinear: ["float32"],
  Shape: ["int64"],
  Size: ["int64"],
  NonZero: ["int64"],
  ArgMax: ["int64"],
  ArgMin: ["int64"],
  Equal: ["bool"],
  Less: ["bool"],
  LessOrEqual: ["bool"],
  Greater: ["bool"],
  GreaterOrEqual: ["bool"],
  Not: ["bool"],
  And: ["bool"],
  Or: ["bool"],
  IsNaN: ["bool"],
  Tokenizer: ["string"],
  StringNormalizer: ["string"],
  TfIdfVectorizer: ["float32"],
};
/** Operators whose results have the type of another input than the first. */
const TYPE_INPUT: Readonly<Record<string, number>> = {
  Where: 1,
  OneHot: 2,
  QLinearMatMul: 7,
  QLinearConv: 7,
  QLinearAdd: 7,
  QLinearMul: 7,
  QLinearGlobalAveragePool: 4,
  QLinearSigmoid: 4,
  QLinearLeakyRelu: 4,
};

/**
 * Follows element types through a graph. What it cannot tell is left out; a linter takes that for real numbers.
 *
 * @param outer Types of the graph that this one is a body of.
 */
export function inferTypes(graph: Graph, outer: Types = new Map()): Types {
  const types = new Map(outer);
  for (const { name, type } of [...graph.inputs, ...graph.initializers]) types.set(name, type);
  for (const node of graph.nodes) {
    const given = outputTypes(node, types);
    for (const [at, output] of node.outputs.entries()) {
      const type = given[at];
      if (output !== "" && type !== undefined && type !== "unknown") types.set(output, type);
    }
  }
  return types;
}

function outputTypes(node: GraphNode, types: Types): readonly (ElementType | undefined)[] {
  const { op, attributeType, inputs, outputs, subgraphs } = node;
  if (attributeType !== null) return [attributeType];
  const fixed = FIXED[op];
  if (fixed) return fixed;
  const of = (index: number) => types.get(inputs[index] ?? "");
  if (op === "QuantizeLinear") return [of(2) ?? "uint8"];
  if (op === "ConstantOfShape") return ["float32"];
  if (op === "TopK") return [of(0), "int64"];
  if (op === "Loop") return outputs.map((_, at) => of(at + 2));
  if (op === "If") {
    const [body] = subgraphs;
    const within = body && inferTypes(body, types);
    return outputs.map((_, at) => within?.get(body?.outputs[at]?.name ?? ""));
  }
  const type = of(TYPE_INPUT[op] ?? 0);
  return outputs.map(() => type);
}
