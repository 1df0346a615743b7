import {
  bytesOf,
  emptyWords,
  endsWithBytes,
  readInt256,
  readUint32,
  readUint256,
  WORD,
  wordsFor,
  writeWord,
} from "./words.ts";

/** The types that the codecs are made of. */
export type AbiType =
  | "uint8"
  | "uint32"
  | "uint256"
  | "int256"
  | "uint32[]"
  | "uint256[]"
  | "int256[]"
  | "bytes";

interface AbiValue {
  uint8: number;
  uint32: number;
  uint256: bigint;
  int256: bigint;
  "uint32[]": readonly number[];
  "uint256[]": readonly bigint[];
  "int256[]": readonly bigint[];
  bytes: Uint8Array;
}
export type AbiValues<Types extends readonly AbiType[]> = { [Place in keyof Types]: AbiValue[Types[Place]] };

const isDynamic = (type: AbiType) => type === "bytes" || type.endsWith("[]");

/** `abi.encode` of the values, in memory of its own; the caller has checked their ranges. */
export function encodeAbi<const Types extends readonly AbiType[]>(
  types: Types,
  values: AbiValues<Types>,
): Uint8Array {
  const parts = values as readonly AbiValue[AbiType][];
  let tail = types.length * WORD;
  let size = tail;
  for (let place = 0; place < parts.length; place += 1)
    size += tailOf(types[place] as AbiType, parts[place] as AbiValue[AbiType]);
  const words = emptyWords(size / WORD);
  for (let place = 0; place < parts.length; place += 1) {
    const value = parts[place] as AbiValue[AbiType];
    if (typeof value !== "object") {
      writeWord(words, place * WORD, value);
      continue;
    }
    writeWord(words, place * WORD, tail);
    writeWord(words, tail, value.length);
    tail += WORD;
    if (types[place] === "bytes") {
      new Uint8Array(words.buffer, tail).set(value as Uint8Array);
      tail += wordsFor(value.length) * WORD;
      continue;
    }
    for (const element of value) {
      writeWord(words, tail, element);
      tail += WORD;
    }
  }
  return new Uint8Array(words.buffer);
}

/** Bytes that a value takes behind the heads. */
function tailOf(type: AbiType, value: AbiValue[AbiType]): number {
  if (typeof value !== "object") return 0;
  return WORD * (1 + (type === "bytes" ? wordsFor(value.length) : value.length));
}

/**
 * What bytes are the `abi.encode` of: `values`, whose `bytes` are a part of the same memory; `dirty` when they decode to
 * something that would be encoded otherwise; `outside` when an offset or a length points to where no value can be, or they
 * are no bytes.
 *
 * @param encoding A hex string, or the bytes themselves.
 */
export function decodeAbi<const Types extends readonly AbiType[]>(
  types: Types,
  encoding: unknown,
): { kind: "values"; values: AbiValues<Types> } | { kind: "dirty" } | { kind: "outside" } {
  const bytes = encoding instanceof Uint8Array ? encoding : bytesOf(encoding);
  if (bytes === null) return { kind: "outside" };
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = canonicalValues(types, words);
  if (values !== null) return { kind: "values", values: values as unknown as AbiValues<Types> };
  return { kind: isWithin(types, words) ? "dirty" : "outside" };
}

/** Null unless each byte is where, and what, `encodeAbi` would have put there. */
function canonicalValues(types: readonly AbiType[], words: DataView): unknown[] | null {
  let tail = types.length * WORD;
  const values: unknown[] = [];
  for (const [place, type] of types.entries()) {
    const head = place * WORD;
    if (!isDynamic(type)) {
      const value = head + WORD > words.byteLength ? null : readStatic(type, words, head);
      if (value === null) return null;
      values.push(value);
      continue;
    }
    const length = readUint32(words, head) === tail ? readUint32(words, tail) : null;
    if (length === null) return null;
    tail += WORD;
    if (type === "bytes") {
      const isLast = place === types.length - 1;
      if (!isLast || !endsWithBytes(words, tail, length)) return null;
      values.push(new Uint8Array(words.buffer, words.byteOffset + tail, length));
      tail = words.byteLength;
      continue;
    }
    if (tail + length * WORD > words.byteLength) return null;
    const element = type.slice(0, -2) as AbiType;
    const elements: unknown[] = [];
    for (const end = tail + length * WORD; tail < end; tail += WORD) {
      const value = readStatic(element, words, tail);
      if (value === null) return null;
      elements.push(value);
    }
    values.push(elements);
  }
  return tail === words.byteLength ? values : null;
}

/** A word's value; null when it does not fit the type. */
function readStatic(type: AbiType, words: DataView, offset: number): number | bigint | null {
  switch (type) {
    case "int256":
      return readInt256(words, offset);
    case "uint256":
      return readUint256(words, offset);
    default: {
      const value = readUint32(words, offset);
      return value !== null && type === "uint8" && value > 0xff ? null : value;
    }
  }
}

/** Whether everything that is pointed to is there, behind the heads. */
function isWithin(types: readonly AbiType[], words: DataView): boolean {
  if (types.length * WORD > words.byteLength) return false;
  return types.every((type, place) => {
    if (!isDynamic(type)) return true;
    const offset = readUint32(words, place * WORD);
    const length = offset === null ? null : readUint32(words, offset);
    if (offset === null || length === null || offset < types.length * WORD) return false;
    return offset + WORD + length * (type === "bytes" ? 1 : WORD) <= words.byteLength;
  });
}
