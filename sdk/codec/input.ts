import type { Hex } from "viem";
import { decodeBytes, encodeBytes } from "./bytes.ts";
import { UnknownCodecError } from "./errors.ts";
import { decodeTensor, encodeTensor, type Tensor } from "./tensor.ts";
import { decodeText, encodeText } from "./text.ts";
import { decodeVector, encodeVector } from "./vector.ts";

/** How a model's input is written; the manifest names one. */
export const INPUT_CODECS = ["text", "bytes", "vector", "tensor"] as const;
export type InputCodec = (typeof INPUT_CODECS)[number];

/** What each input codec decodes to. Real numbers are WAD. */
export interface InputValues {
  text: string;
  bytes: Hex;
  vector: readonly bigint[];
  tensor: Tensor;
}

const CODECS: {
  [Codec in InputCodec]: {
    encode: (value: InputValues[Codec]) => Hex;
    decode: (input: Hex) => InputValues[Codec];
  };
} = {
  text: { encode: encodeText, decode: decodeText },
  bytes: { encode: encodeBytes, decode: decodeBytes },
  vector: { encode: encodeVector, decode: decodeVector },
  tensor: { encode: encodeTensor, decode: (input) => decodeTensor(input) },
};

/** Encodes an input. Throws the codec's named error when the value does not fit. */
export function encodeInput<Codec extends InputCodec>(codec: Codec, value: InputValues[Codec]): Hex {
  return codecOf(codec).encode(value);
}

/** Decodes an input, taking only its canonical encoding. Throws the codec's named error on anything else. */
export function decodeInput<Codec extends InputCodec>(codec: Codec, input: Hex): InputValues[Codec] {
  return codecOf(codec).decode(input);
}

function codecOf<Codec extends InputCodec>(codec: Codec): (typeof CODECS)[Codec] {
  if (!Object.hasOwn(CODECS, codec)) {
    throw new UnknownCodecError("The input codec is unknown.", {
      details: `${codec} given, one of ${INPUT_CODECS.join(", ")} known`,
    });
  }
  return CODECS[codec];
}
