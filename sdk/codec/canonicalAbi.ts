import {
  type AbiParameter,
  type DecodeAbiParametersReturnType,
  decodeAbiParameters,
  encodeAbiParameters,
  type Hex,
  isHex,
} from "viem";
import { AbiDecodingError, NonCanonicalError } from "./errors.ts";

/**
 * Decodes ABI parameters and takes only what `abi.encode` would have produced.
 *
 * @throws AbiDecodingError when the bytes do not decode.
 * @throws NonCanonicalError when they do, but encoding the values again gives other bytes.
 */
export function decodeCanonicalAbi<const Parameters extends readonly AbiParameter[]>(
  parameters: Parameters,
  bytes: Hex,
  codec: string,
): DecodeAbiParametersReturnType<Parameters> {
  if (!isHex(bytes) || bytes.length % 2 !== 0) {
    throw new AbiDecodingError(`A ${codec} is a string of hex bytes.`, { details: preview(bytes) });
  }
  let values: DecodeAbiParametersReturnType<Parameters>;
  try {
    values = decodeAbiParameters(parameters, bytes);
  } catch (cause) {
    const details = preview(bytes);
    throw new AbiDecodingError(`The bytes are no ABI encoding of a ${codec}.`, { details, cause });
  }
  if (encodeAgain(parameters, values) !== bytes.toLowerCase()) {
    throw new NonCanonicalError(`The bytes are not the canonical encoding of a ${codec}.`, {
      details: `${(bytes.length - 2) / 2} bytes: ${preview(bytes)}`,
    });
  }
  return values;
}

/** Undefined when what was decoded does not fit its types: dirty bits above a short integer. */
function encodeAgain(parameters: readonly AbiParameter[], values: unknown): Hex | undefined {
  try {
    return encodeAbiParameters(parameters, values as never);
  } catch {
    return undefined;
  }
}

function preview(bytes: unknown): string {
  const text = String(bytes);
  return text.length > 140 ? `${text.slice(0, 140)}…` : text;
}
