import { DTYPES, type DtypeName } from "@sibyl/sdk";
import { type Field, fieldsOf, MalformedProtobufError, numbersOf, textOf } from "./protobuf.ts";

export type ElementType = DtypeName | "string" | "unknown";

/** A constant tensor of a graph. */
export interface Initializer {
  name: string;
  type: ElementType;
  dims: readonly number[];
  /** Least and greatest of an int8 tensor's values; null for other types. */
  int8Range: readonly [number, number] | null;
  /** Where its data lies when it is not in the graph; null when it is. */
  externalLocation: string | null;
}

export interface GraphValue {
  name: string;
  type: ElementType;
  /** Sizes, and names for open dimensions; null when the graph does not say. */
  shape: readonly (number | string)[] | null;
}

export interface GraphNode {
  op: string;
  /** Empty for ONNX's own operators. */
  domain: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** Element type that an attribute gives: of a Cast, or of a constant. */
  attributeType: ElementType | null;
  /** Bodies of loops and branches. */
  subgraphs: readonly Graph[];
}

export interface Graph {
  nodes: readonly GraphNode[];
  initializers: readonly Initializer[];
  inputs: readonly GraphValue[];
  outputs: readonly GraphValue[];
}

/** Bodies in bodies; a real graph has two or three. */
const MAX_DEPTH = 16;
/** Constants that are written as an attribute of their own and not as a tensor. */
const CONSTANT_TYPES: Readonly<Record<string, ElementType>> = {
  value_int: "int64",
  value_ints: "int64",
  value_float: "float32",
  value_floats: "float32",
  value_string: "string",
  value_strings: "string",
};
const INT8 = 3;
const STRING = 8;
const EXTERNAL = 1n;

/**
 * Reads what a linter needs of an ONNX file; field numbers are those of onnx.proto (IR version 3 and up).
 *
 * @throws MalformedProtobufError when it is no ONNX file.
 */
export function readGraph(model: Uint8Array): Graph {
  for (const field of fieldsOf(model)) {
    if (field.field === 7 && "bytes" in field) return graphOf(field.bytes, 0);
  }
  throw new MalformedProtobufError("the file has no graph");
}

function graphOf(bytes: Uint8Array, depth: number): Graph {
  if (depth > MAX_DEPTH) throw new MalformedProtobufError(`bodies lie more than ${MAX_DEPTH} deep`);
  const nodes: GraphNode[] = [];
  const initializers: Initializer[] = [];
  const [inputs, outputs]: [GraphValue[], GraphValue[]] = [[], []];
  for (const field of fieldsOf(bytes)) {
    if (!("bytes" in field)) continue;
    if (field.field === 1) nodes.push(nodeOf(field.bytes, depth));
    else if (field.field === 5) initializers.push(tensorOf(field.bytes));
    else if (field.field === 11) inputs.push(portOf(field.bytes));
    else if (field.field === 12) outputs.push(portOf(field.bytes));
  }
  return { nodes, initializers, inputs, outputs };
}

function nodeOf(bytes: Uint8Array, depth: number): GraphNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const subgraphs: Graph[] = [];
  const node = { op: "", domain: "", name: "", attributeType: null as ElementType | null };
  for (const field of fieldsOf(bytes)) {
    if (!("bytes" in field)) continue;
    if (field.field === 1) inputs.push(textOf(field.bytes));
    else if (field.field === 2) outputs.push(textOf(field.bytes));
    else if (field.field === 3) node.name = textOf(field.bytes);
    else if (field.field === 4) node.op = textOf(field.bytes);
    else if (field.field === 7) node.domain = textOf(field.bytes);
    else if (field.field === 5) {
      const attribute = attributeOf(field.bytes, depth);
      node.attributeType ??= attribute.type;
      subgraphs.push(...attribute.subgraphs);
    }
  }
  return { ...node, domain: node.domain === "ai.onnx" ? "" : node.domain, inputs, outputs, subgraphs };
}

function attributeOf(bytes: Uint8Array, depth: number): { type: ElementType | null; subgraphs: Graph[] } {
  let [name, type]: [string, ElementType | null] = ["", null];
  const subgraphs: Graph[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1 && "bytes" in field) {
      name = textOf(field.bytes);
      type ??= CONSTANT_TYPES[name] ?? null;
    } else if (field.field === 3 && "value" in field && name === "to") type = typeOf(field.value);
    else if (field.field === 5 && "bytes" in field) type = tensorOf(field.bytes).type;
    else if ((field.field === 6 || field.field === 11) && "bytes" in field) {
      subgraphs.push(graphOf(field.bytes, depth + 1));
    }
  }
  return { type, subgraphs };
}

function tensorOf(bytes: Uint8Array): Initializer {
  const dims: number[] = [];
  let [name, code, isExternal]: [string, bigint, boolean] = ["", 0n, false];
  let location = "";
  let values: readonly number[] | Int8Array = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1) dims.push(...numbersOf(field).map(Number));
    else if (field.field === 2 && "value" in field) code = field.value;
    else if (field.field === 5) values = [...values, ...numbersOf(field).map(Number)];
    else if (field.field === 8 && "bytes" in field) name = textOf(field.bytes);
    else if (field.field === 9 && "bytes" in field) {
      values = new Int8Array(field.bytes.buffer, field.bytes.byteOffset, field.bytes.byteLength);
    } else if (field.field === 13 && "bytes" in field)
      location = entryOf(field.bytes, "location") ?? location;
    else if (field.field === 14 && "value" in field) isExternal = field.value === EXTERNAL;
  }
  return {
    name,
    type: typeOf(code),
    dims,
    int8Range: Number(code) === INT8 && !isExternal ? rangeOf(values) : null,
    externalLocation: isExternal ? location : null,
  };
}

function rangeOf(values: ArrayLike<number>): readonly [number, number] {
  let [least, greatest] = [0, 0];
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] as number;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}

function entryOf(bytes: Uint8Array, key: string): string | null {
  const parts = new Map<number, string>();
  for (const field of fieldsOf(bytes)) if ("bytes" in field) parts.set(field.field, textOf(field.bytes));
  return parts.get(1) === key ? (parts.get(2) ?? "") : null;
}

function portOf(bytes: Uint8Array): GraphValue {
  let [name, type]: [string, ElementType] = ["", "unknown"];
  let shape: (number | string)[] | null = null;
  for (const field of fieldsOf(bytes)) {
    if (field.field === 1 && "bytes" in field) name = textOf(field.bytes);
    const tensor = field.field === 2 ? inner(field, 1) : null;
    if (tensor === null) continue;
    for (const part of fieldsOf(tensor)) {
      if (part.field === 1 && "value" in part) type = typeOf(part.value);
      if (part.field === 2 && "bytes" in part) shape = shapeOf(part.bytes);
    }
  }
  return { name, type, shape };
}

function shapeOf(bytes: Uint8Array): (number | string)[] {
  const shape: (number | string)[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.field !== 1 || !("bytes" in field)) continue;
    let dimension: number | string = "?";
    for (const part of fieldsOf(field.bytes)) {
      if (part.field === 1 && "value" in part) dimension = Number(part.value);
      if (part.field === 2 && "bytes" in part) dimension = textOf(part.bytes);
    }
    shape.push(dimension);
  }
  return shape;
}

function inner(field: Field, number: number): Uint8Array | null {
  if (!("bytes" in field)) return null;
  for (const part of fieldsOf(field.bytes)) if (part.field === number && "bytes" in part) return part.bytes;
  return null;
}

function typeOf(code: bigint): ElementType {
  if (Number(code) === STRING) return "string";
  return (DTYPES as Record<number, { name: DtypeName }>)[Number(code)]?.name ?? "unknown";
}
