import { type Hex, size } from "viem";
import { ShapeMismatchError } from "./codec/errors.ts";
import { encodeInput, type InputCodec, type InputValues } from "./codec/input.ts";
import { decodeOutput, type OutputCodec, type OutputValues } from "./codec/output.ts";
import { OutOfRangeError } from "./errors.ts";

/** What encoding needs of a manifest; with a literal type, the value's type follows from it. */
export interface ManifestInput {
  input: { codec: InputCodec; maxBytes: number };
}

/** What decoding needs of a manifest; with a literal type, the value's type follows from it. */
export interface ManifestOutput {
  output: { codec: OutputCodec; labels?: readonly string[] | undefined };
}

/** A decoded output; `labelName` when the codec has labels and the manifest names them. */
export type ModelOutput<Codec extends OutputCodec> = {
  [Each in Codec]: { codec: Each; value: OutputValues[Each]; labelName?: string };
}[Codec];

/**
 * Encodes an input as a model wants it.
 *
 * @throws OutOfRangeError when it is longer, encoded, than the model takes; else the codec's errors.
 */
export function encodeModelInput<Manifest extends ManifestInput>(
  manifest: Manifest,
  value: InputValues[Manifest["input"]["codec"]],
): Hex {
  const input = encodeInput(manifest.input.codec, value);
  if (size(input) > manifest.input.maxBytes) {
    throw new OutOfRangeError("encoded input", `${size(input)} bytes`, `${manifest.input.maxBytes} bytes`);
  }
  return input;
}

/**
 * Decodes what a model answered.
 *
 * @throws ShapeMismatchError when the label is none of the manifest's; else the codec's errors.
 */
export function decodeModelOutput<Manifest extends ManifestOutput>(
  manifest: Manifest,
  output: Hex,
): ModelOutput<Manifest["output"]["codec"]> {
  const { codec, labels } = manifest.output;
  const value = decodeOutput(codec, output);
  if (!labels || typeof value !== "object" || !("label" in value)) {
    return { codec, value } as ModelOutput<Manifest["output"]["codec"]>;
  }
  const labelName = labels[value.label];
  if (labelName === undefined) {
    throw new ShapeMismatchError("The label is none of the model's.", {
      details: `label ${value.label} of ${labels.length}`,
    });
  }
  return { codec, value, labelName } as ModelOutput<Manifest["output"]["codec"]>;
}
