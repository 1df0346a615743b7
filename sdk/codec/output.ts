import type { Hex } from "viem";
import { type Classification, decodeClassification, encodeClassification } from "./classification.ts";
import { UnknownCodecError } from "./errors.ts";
import { decodeScalar, encodeScalar } from "./scalar.ts";
import { decodeScores, encodeScores, type Scores } from "./scores.ts";
import { decodeTensor, encodeTensor, type Tensor } from "./tensor.ts";
import { decodeText, encodeText } from "./text.ts";
import { decodeVector, encodeVector } from "./vector.ts";

/** How a model's output is written; the manifest names one. */
export const OUTPUT_CODECS = ["classification", "scores", "scalar", "vector", "text", "tensor"] as const;
export type OutputCodec = (typeof OUTPUT_CODECS)[number];

/** What each output codec decodes to. Real numbers are WAD. */
export interface OutputValues {
  classification: Classification;
  scores: Scores;
  scalar: bigint;
  vector: readonly bigint[];
  text: string;
  tensor: Tensor;
}

const CODECS: {
  [Codec in OutputCodec]: {
    encode: (value: OutputValues[Codec]) => Hex;
    decode: (output: Hex) => OutputValues[Codec];
  };
} = {
  classification: { encode: encodeClassification, decode: decodeClassification },
  scores: { encode: encodeScores, decode: decodeScores },
  scalar: { encode: encodeScalar, decode: decodeScalar },
  vector: { encode: encodeVector, decode: decodeVector },
  text: { encode: encodeText, decode: decodeText },
  tensor: { encode: encodeTensor, decode: (output) => decodeTensor(output) },
};

/** Encodes an output canonically. Throws the codec's named error when the value does not fit. */
export function encodeOutput<Codec extends OutputCodec>(codec: Codec, value: OutputValues[Codec]): Hex {
  return codecOf(codec).encode(value);
}

/** Decodes an output, taking only its canonical encoding. Throws the codec's named error on anything else. */
export function decodeOutput<Codec extends OutputCodec>(codec: Codec, output: Hex): OutputValues[Codec] {
  return codecOf(codec).decode(output);
}

function codecOf<Codec extends OutputCodec>(codec: Codec): (typeof CODECS)[Codec] {
  if (!Object.hasOwn(CODECS, codec)) {
    throw new UnknownCodecError("The output codec is unknown.", {
      details: `${codec} given, one of ${OUTPUT_CODECS.join(", ")} known`,
    });
  }
  return CODECS[codec];
}
