/*
 * What engine and process say to each other, over one pipe: frames of a head that is the same from frame to frame, and parts,
 * all of them bytes. Node's own channel between processes costs more than the small models take to run, and so do texts
 * that a parser has to read.
 *
 * Layout: uint32, little-endian, of bytes in all, bytes of the head, number of parts, 0, bytes of each part; then the head
 * and the parts. Each of them, and so each frame, starts at a multiple of 8 bytes, where a tensor's elements may.
 */

export interface Frame {
  /** Views, like the parts, of memory that is used again when more is read. */
  head: Buffer;
  parts: Buffer[];
}

/** More than a well-behaved process can have to say; see `MAX_JOBS` and `MAX_OUTPUT_BYTES`. */
const MAX_FRAME_BYTES = 2 ** 26;
const FIXED_BYTES = 16;
const LENGTH_BYTES = 4;

/** The next multiple of 8; of whatever a uint32 says. */
const aligned = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** @param memory Where the frame is put if it fits, for a writer that is done with each before it makes the next. */
export function encodeFrame(head: Uint8Array, parts: readonly Uint8Array[], memory?: Buffer): Buffer {
  let at = aligned(FIXED_BYTES + LENGTH_BYTES * parts.length);
  let total = at + aligned(head.length);
  for (const part of parts) total += aligned(part.length);
  const frame =
    memory === undefined || memory.length < total ? Buffer.allocUnsafe(total) : memory.subarray(0, total);
  frame.writeUInt32LE(total, 0);
  frame.writeUInt32LE(head.length, 4);
  frame.writeUInt32LE(parts.length, 8);
  frame.writeUInt32LE(0, 12);
  frame.set(head, at);
  at += aligned(head.length);
  let lengthAt = FIXED_BYTES;
  for (const part of parts) {
    frame.writeUInt32LE(part.length, lengthAt);
    lengthAt += LENGTH_BYTES;
    frame.set(part, at);
    at += aligned(part.length);
  }
  return frame;
}

/** Puts frames together from the pieces that a pipe gives. */
export class FrameReader {
  /** Of a frame that is not here as a whole. */
  #pieces: Buffer[] = [];
  #bytes = 0;

  /**
   * The frames that end in a piece.
   *
   * @param piece Starts at a multiple of 8 in its memory, where the frames' alignment counts. The frames are good for as long
   * as it is.
   * @throws RangeError when a frame is longer than any can be, or its parts do not fit it.
   */
  push(piece: Buffer): Frame[] {
    let rest = piece;
    if (this.#bytes > 0) {
      this.#keep(piece);
      if (this.#bytes < FIXED_BYTES || this.#bytes < frameBytes(this.#start())) return [];
      rest = Buffer.concat(this.#pieces, this.#bytes);
      this.#pieces = [];
      this.#bytes = 0;
    }
    const frames: Frame[] = [];
    while (rest.length >= FIXED_BYTES) {
      const bytes = frameBytes(rest);
      if (rest.length < bytes) break;
      frames.push(frameIn(rest, bytes));
      rest = rest.subarray(bytes);
    }
    if (rest.length > 0) this.#keep(rest);
    return frames;
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(Buffer.from(piece));
    this.#bytes += piece.length;
  }

  /** At least what every frame starts with, from however many pieces. */
  #start(): Buffer {
    const [first] = this.#pieces as [Buffer];
    if (first.length >= FIXED_BYTES) return first;
    this.#pieces = [Buffer.concat(this.#pieces, this.#bytes)];
    return this.#pieces[0] as Buffer;
  }
}

function frameBytes(start: Buffer): number {
  const bytes = start.readUInt32LE(0);
  if (bytes > MAX_FRAME_BYTES) {
    throw new RangeError(`a frame of ${bytes} bytes, ${MAX_FRAME_BYTES} allowed`);
  }
  if (bytes >= FIXED_BYTES && bytes % 8 === 0) return bytes;
  throw new RangeError(`a frame of ${bytes} bytes, which none can have`);
}

function frameIn(bytes: Buffer, frameBytes: number): Frame {
  const headBytes = bytes.readUInt32LE(4);
  const count = bytes.readUInt32LE(8);
  const headAt = aligned(FIXED_BYTES + LENGTH_BYTES * count);
  let at = headAt + aligned(headBytes);
  const parts: Buffer[] = [];
  for (let place = 0; place < count && at <= frameBytes; place += 1) {
    const partBytes = bytes.readUInt32LE(FIXED_BYTES + LENGTH_BYTES * place);
    parts.push(bytes.subarray(at, at + partBytes));
    at += aligned(partBytes);
  }
  if (at !== frameBytes) throw new RangeError(`a frame of ${frameBytes} bytes whose parts do not fill it`);
  return { head: bytes.subarray(headAt, headAt + headBytes), parts };
}

/** Parses heads, each once as long as it stays among the latest. */
export class Heads<T> {
  static readonly #MAX = 64;
  readonly #known = new Map<string, T>();
  #latest: { head: Buffer; parsed: T } | null = null;

  parse(head: Buffer): T {
    // To compare bytes is faster than to make the text that a map wants.
    if (this.#latest?.head.equals(head)) return this.#latest.parsed;
    const text = head.toString();
    const parsed = this.#known.get(text) ?? (JSON.parse(text) as T);
    if (this.#known.size >= Heads.#MAX) this.#known.clear();
    this.#known.set(text, parsed);
    this.#latest = { head: Buffer.from(head), parsed };
    return parsed;
  }
}
