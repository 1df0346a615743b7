import { type Abi, decodeErrorResult, type Hex, isHex, size } from "viem";

/** Why a call reverted. */
export interface RevertReason {
  /** `Error` and `Panic` are Solidity's own; empty when the data names no error of `abi`. */
  errorName: string;
  /** One line: the error with its values. */
  message: string;
}

/**
 * Names a revert by its returned data.
 *
 * @param abi holds the custom errors that may occur.
 */
export function revertReason(abi: Abi, data: Hex): RevertReason {
  if (size(data) < 4) return { errorName: "", message: "reverted without a reason" };
  try {
    const { errorName, args } = decodeErrorResult({ abi, data });
    const values = (args ?? []) as readonly unknown[];
    return { errorName, message: `${errorName}(${values.map(String).join(", ")})` };
  } catch {
    return { errorName: "", message: `reverted with unknown error ${data.slice(0, 10)}` };
  }
}

/**
 * Finds the returned data in a JSON-RPC error's `data`: nodes give it bare, in an object, or in a sentence.
 *
 * @returns null when there is none.
 */
export function revertData(data: unknown, depth = 0): Hex | null {
  if (typeof data === "string") {
    const hex = /0x[0-9a-fA-F]*/.exec(data)?.[0];
    return isHex(hex) && hex.length % 2 === 0 ? hex : null;
  }
  if (typeof data !== "object" || data === null || depth > 3) return null;
  const inner = data as Record<string, unknown>;
  return revertData(inner.data ?? inner.originalError ?? inner.result, depth + 1);
}
