const LENGTH_BYTES = 4;

/** Several messages in one body, each with its length (32 bits, big-endian) before it. */
export function packFrames(messages: readonly Uint8Array[]): Uint8Array {
  const parts = messages.flatMap((message) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(message.length);
    return [length, message];
  });
  return Buffer.concat(parts);
}

/** Null for a body that is no whole number of frames, or more than `most`. */
export function unpackFrames(body: Uint8Array, most: number): Uint8Array[] | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (frames.length === most || at + LENGTH_BYTES > bytes.length) return null;
    const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
    if (end > bytes.length) return null;
    frames.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return frames;
}
