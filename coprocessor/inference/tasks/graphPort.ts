import type { ModelManifest } from "@sibyl/sdk";
import { inferenceError } from "../inferenceError.ts";
import type { GraphSignature, RawTensor, TensorSignature } from "../messages.ts";

/**
 * The graph's tensor that the manifest's `task.input` or `task.output` names; without a name, the only one there is.
 *
 * @throws CoprocessorError `inference/model-failed`.
 */
export function graphPort(
  manifest: ModelManifest,
  signature: GraphSignature,
  side: "input" | "output",
): TensorSignature {
  const ports = side === "input" ? signature.inputs : signature.outputs;
  const named = manifest.task[side];
  const port = typeof named === "string" ? ports.find(({ name }) => name === named) : ports[0];
  if (port && (named !== undefined || ports.length === 1)) return port;
  const names = ports.map(({ name }) => name);
  throw inferenceError(
    "model-failed",
    `task.${side} of the manifest names ${named === undefined ? "nothing" : JSON.stringify(named)}, the graph has ${names.join(", ") || "none"}`,
    { meta: { model: manifest.name, side, named, graph: names } },
  );
}

/** @throws CoprocessorError `inference/bad-output` when the graph left the output out. */
export function resultOf(results: Readonly<Record<string, RawTensor>>, name: string): RawTensor {
  const result = results[name];
  if (result) return result;
  throw inferenceError("bad-output", `the graph gave no ${name}`, { meta: { output: name } });
}

/** @throws CoprocessorError `inference/model-failed` when the manifest's codec is none that the task can serve. */
export function checkCodec(
  manifest: ModelManifest,
  side: "input" | "output",
  possible: readonly string[],
): void {
  const { codec } = manifest[side];
  if (possible.includes(codec)) return;
  throw inferenceError(
    "model-failed",
    `task ${manifest.task.type} takes ${possible.join(" or ")} as ${side} codec, the manifest says ${codec}`,
    { meta: { model: manifest.name, side, codec, possible } },
  );
}

/**
 * The shape to feed a flat list of `length` numbers in: the graph's own, its one open dimension filled in, and a
 * leading open batch dimension being 1.
 *
 * @throws CoprocessorError `inference/bad-input` when so many do not fit.
 */
export function shapeFor(port: TensorSignature, length: number): number[] {
  const open = port.shape.filter((dimension) => typeof dimension === "string").length;
  let batchIsOpen = open > 1 && typeof port.shape[0] === "string";
  const fixed = port.shape.reduce<number>((product, d) => (typeof d === "number" ? product * d : product), 1);
  const shape = port.shape.map((dimension) => {
    if (typeof dimension === "number") return dimension;
    if (batchIsOpen) {
      batchIsOpen = false;
      return 1;
    }
    return length / fixed;
  });
  const product = shape.reduce((all, dimension) => all * dimension, 1);
  if (product !== length || !shape.every((dimension) => Number.isInteger(dimension))) {
    throw inferenceError("bad-input", `${length} numbers do not fit ${port.name}[${port.shape.join(",")}]`, {
      meta: { input: port.name, length, shape: port.shape },
    });
  }
  return shape;
}
