import { SibylError } from "../errors.ts";

/** Bytes are no ABI encoding of what the codec says: too short, or an offset points outside. */
export class AbiDecodingError extends SibylError {
  override readonly name: string = "AbiDecodingError";
}

/**
 * Bytes decode, but are not the encoding of what they decode to: trailing or dirty bytes, odd offsets, bad UTF-8.
 * Two encodings of one value would hash differently, so only the canonical one is taken.
 */
export class NonCanonicalError extends SibylError {
  override readonly name: string = "NonCanonicalError";
}

/** A tensor's dtype is unknown, or not the one that the model wants. */
export class WrongDtypeError extends SibylError {
  override readonly name: string = "WrongDtypeError";
}

/** A tensor's data, or a label, does not fit its shape. */
export class ShapeMismatchError extends SibylError {
  override readonly name: string = "ShapeMismatchError";
}

/** A string with a lone surrogate, or bytes that are no UTF-8. */
export class InvalidTextError extends SibylError {
  override readonly name: string = "InvalidTextError";
}

/** A codec name that this version does not know. */
export class UnknownCodecError extends SibylError {
  override readonly name: string = "UnknownCodecError";
}
