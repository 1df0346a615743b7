/** A field of a Protocol Buffers message: a number for varints and fixed widths, else the bytes, not copied. */
export type Field = { field: number; value: bigint } | { field: number; bytes: Uint8Array };

/** The bytes are no Protocol Buffers message. */
export class MalformedProtobufError extends Error {
  override readonly name = "MalformedProtobufError";
}

const utf8 = new TextDecoder("utf-8");

/**
 * Reads a message's fields in order, skipping nothing and copying nothing, so that weights cost no memory. Wire format:
 * https://protobuf.dev/programming-guides/encoding/
 *
 * @throws MalformedProtobufError
 */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new MalformedProtobufError(`a number is cut off at byte ${at - 1}`);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new MalformedProtobufError(`a number before byte ${at} is longer than 64 bits`);
  };
  const take = (count: number): number => {
    if (count < 0 || count > message.length - at) {
      throw new MalformedProtobufError(`${count} bytes wanted at byte ${at}, ${message.length - at} left`);
    }
    at += count;
    return at - count;
  };
  while (at < message.length) {
    const tag = Number(varint());
    const field = Math.floor(tag / 8);
    if (field < 1) throw new MalformedProtobufError(`a field without a number before byte ${at}`);
    switch (tag % 8) {
      case 0:
        yield { field, value: varint() };
        break;
      case 1:
        yield { field, value: view.getBigInt64(take(8), true) };
        break;
      case 2: {
        const length = Number(varint());
        const start = take(length);
        yield { field, bytes: message.subarray(start, start + length) };
        break;
      }
      case 5:
        yield { field, value: BigInt(view.getInt32(take(4), true)) };
        break;
      default:
        throw new MalformedProtobufError(`wire type ${tag % 8} before byte ${at}`);
    }
  }
}

export const textOf = (bytes: Uint8Array): string => utf8.decode(bytes);

/** Numbers of a repeated field, which may be packed. */
export function numbersOf(field: Field): bigint[] {
  if ("value" in field) return [field.value];
  const numbers: bigint[] = [];
  // A packed list is varints one after the other; as the values of a field they can be read by the same code.
  for (let at = 0; at < field.bytes.length; ) {
    let end = at;
    while ((field.bytes[end] ?? 0) >= 0x80) end += 1;
    let value = 0n;
    for (let byte = end; byte >= at; byte -= 1) {
      value = (value << 7n) | BigInt((field.bytes[byte] ?? 0) & 0x7f);
    }
    numbers.push(BigInt.asIntN(64, value));
    at = end + 1;
  }
  return numbers;
}
