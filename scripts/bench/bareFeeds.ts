import { decodeInput, type ModelManifest } from "@sibyl/sdk";
import { type Hex, hexToBytes } from "viem";

/** A tensor as JSON holds it. */
export type BareTensor =
  | { type: "string"; dims: number[]; data: string[] }
  | { type: "uint8" | "int32"; dims: number[]; data: number[] };

const UINT8 = 2;

/**
 * A request's tensors, made by other code than the engine's.
 *
 * @throws Error for an input that the benched models do not take.
 */
export function bareFeeds({ input, task }: ModelManifest, bytes: Hex): Record<string, BareTensor> {
  const name = String(task.input);
  if (input.codec === "text") {
    return { [name]: { type: "string", dims: [1], data: [decodeInput("text", bytes)] } };
  }
  if (input.codec === "vector") {
    const unit = 10 ** (18 - Number(task.decimals));
    const data = decodeInput("vector", bytes).map((wad) => Math.round(Number(wad) / unit));
    return { [name]: { type: "int32", dims: [1, data.length], data } };
  }
  if (input.codec === "tensor") {
    const { dtype, shape, data } = decodeInput("tensor", bytes);
    if (dtype === UINT8) {
      return { [name]: { type: "uint8", dims: [...shape], data: Array.from(hexToBytes(data)) } };
    }
  }
  throw new Error(`no bare loop for inputs by codec ${input.codec}`);
}
