/*
 * Writes the ONNX files that a converter needs: float and integer constants, nodes with a few kinds of attributes.
 * Field numbers are those of onnx.proto3; the same graph gives the same bytes.
 */

const FLOAT = 1;
const INT64 = 7;
/** ONNX IR version and operator set that the graphs are written for. */
const IR_VERSION = 8;
const OPSET = 17;

type Attribute = number | { float: number } | readonly number[];

interface Port {
  name: string;
  type: "float32" | "int64";
  shape: readonly (number | string)[];
}

/** Collects a graph's nodes and constants in order. */
export class GraphWriter {
  readonly #nodes: Buffer[] = [];
  readonly #constants: Buffer[] = [];
  readonly #known = new Map<string, string>();
  #count = 0;

  /** Adds a node with one output and returns the output's name. */
  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.nodes(op, inputs, 1, attributes)[0] as string;
  }

  /** As `node`, with so many outputs. */
  nodes(
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string[] {
    const names = Array.from({ length: outputs }, () => `${op}_${this.#count++}`);
    this.#nodes.push(
      Buffer.concat([
        ...inputs.map((name) => text(1, name)),
        ...names.map((name) => text(2, name)),
        text(4, op),
        ...Object.entries(attributes).map(([name, value]) => field(5, attribute(name, value))),
      ]),
    );
    return names;
  }

  /** Names an output of the graph. */
  name(output: string, name: string): void {
    this.#nodes.push(Buffer.concat([text(1, output), text(2, name), text(4, "Identity")]));
  }

  floats(values: Float32Array | readonly number[], shape: readonly number[]): string {
    const data = Float32Array.from(values);
    return this.#constant(FLOAT, shape, Buffer.from(data.buffer));
  }

  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant(INT64, shape, Buffer.from(data.buffer));
  }

  finish(name: string, inputs: readonly Port[], outputs: readonly Port[]): Buffer {
    const graph = Buffer.concat([
      ...this.#nodes.map((node) => field(1, node)),
      text(2, name),
      ...this.#constants.map((constant) => field(5, constant)),
      ...inputs.map((port) => field(11, portBytes(port))),
      ...outputs.map((port) => field(12, portBytes(port))),
    ]);
    return Buffer.concat([
      number(1, IR_VERSION),
      text(2, "sibyl"),
      field(7, graph),
      field(8, Buffer.concat([text(1, ""), number(2, OPSET)])),
    ]);
  }

  #constant(type: number, shape: readonly number[], data: Buffer): string {
    const key = `${type} ${shape.join(",")} ${data.length <= 64 ? data.toString("hex") : this.#count}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.#count++}`;
    this.#known.set(key, name);
    this.#constants.push(
      Buffer.concat([
        ...shape.map((side) => number(1, side)),
        number(2, type),
        text(8, name),
        field(9, data),
      ]),
    );
    return name;
  }
}

function attribute(name: string, value: Attribute): Buffer {
  if (typeof value === "number") return Buffer.concat([text(1, name), number(3, value), number(20, 2)]);
  if ("float" in value) {
    const bytes = Buffer.alloc(5);
    bytes[0] = (2 << 3) | 5;
    bytes.writeFloatLE(value.float, 1);
    return Buffer.concat([text(1, name), bytes, number(20, 1)]);
  }
  return Buffer.concat([text(1, name), ...value.map((each) => number(8, each)), number(20, 7)]);
}

function portBytes({ name, type, shape }: Port): Buffer {
  const sides = shape.map((side) => field(1, typeof side === "number" ? number(1, side) : text(2, side)));
  const tensor = Buffer.concat([
    number(1, type === "float32" ? FLOAT : INT64),
    field(2, Buffer.concat(sides)),
  ]);
  return Buffer.concat([text(1, name), field(2, field(1, tensor))]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  // Negative numbers as 64-bit two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const number = (id: number, value: number) => Buffer.concat([varint(id << 3), varint(value)]);
const field = (id: number, bytes: Buffer) =>
  Buffer.concat([varint((id << 3) | 2), varint(bytes.length), bytes]);
const text = (id: number, value: string) => field(id, Buffer.from(value));
