import type { Hex } from "viem";
import type { CommitMessage, PeerMessage } from "../core/messages.ts";

/** Commitments in a reveal, and reveals under a proposal; no committee is larger. */
export const MAX_OPERATORS_PER_MESSAGE = 64;

/** First byte of a message. Numbers are never used again for something else. */
const KIND: Record<PeerMessage["kind"], number> = { commit: 1, reveal: 2, proposal: 3, attestation: 4 };

const WORD = 32;
const SIGNATURE = 65;
const UINT32 = 4;
/** Kind, request id and operator id, with which every message begins. */
const HEAD = 1 + WORD + UINT32;
/** A commitment inside a reveal: operator id, commitment, signature. */
const SEALED = UINT32 + WORD + SIGNATURE;

const COMMIT_BYTES = HEAD + WORD + SIGNATURE;
const ATTESTATION_BYTES = HEAD + UINT32 + WORD + SIGNATURE;
const revealBytes = (output: number, commits: number) =>
  HEAD + WORD + UINT32 + output + UINT32 + commits * SEALED;
const proposalBytes = (output: number, reveals: number) =>
  HEAD + UINT32 + UINT32 + output + UINT32 + reveals * UINT32 + SIGNATURE;

/** Bytes of the largest message with an output of `maxOutputBytes`: a reveal. */
export const maxMessageBytes = (maxOutputBytes: number): number =>
  revealBytes(maxOutputBytes, MAX_OPERATORS_PER_MESSAGE);

/**
 * A message's only encoding: fixed fields in a fixed order, integers big-endian in 4 bytes, lists after their length.
 * So equal bytes are equal messages and equal messages equal bytes.
 *
 *     commit       1, requestId 32, operatorId 4, commitment 32, signature 65
 *     reveal       2, requestId 32, operatorId 4, salt 32, n 4, output n, m 4, m times (operatorId 4, commitment 32, signature 65)
 *     proposal     3, requestId 32, operatorId 4, view 4, n 4, output n, m 4, m times (operatorId 4), signature 65
 *     attestation  4, requestId 32, operatorId 4, view 4, outputHash 32, signature 65
 *
 * @throws Error when the message is one that `decodeMessage` would refuse.
 */
export function encodeMessage(message: PeerMessage, maxOutputBytes: number): Uint8Array {
  const { kind, requestId, operatorId } = message;
  const to = new Writer(bytesOf(message));
  to.byte(KIND[kind]).hex("requestId", requestId, WORD).operator("operatorId", operatorId);
  switch (kind) {
    case "commit":
      to.hex("commitment", message.commitment, WORD).hex("signature", message.signature, SIGNATURE);
      break;
    case "reveal":
      to.hex("salt", message.salt, WORD).output(message.output, maxOutputBytes);
      to.count("commits", message.commits.length);
      for (const commit of message.commits) {
        if (commit.requestId.toLowerCase() !== requestId.toLowerCase())
          throw new Error(`reveal of ${requestId} carries a commitment for ${commit.requestId}`);
        to.operator("commits.operatorId", commit.operatorId);
        to.hex("commits.commitment", commit.commitment, WORD);
        to.hex("commits.signature", commit.signature, SIGNATURE);
      }
      break;
    case "proposal":
      to.uint32("view", message.view).output(message.output, maxOutputBytes);
      to.count("reveals", message.reveals.length);
      for (const [i, id] of message.reveals.entries()) {
        if (i > 0 && id <= (message.reveals[i - 1] ?? 0)) throw new Error("reveals are not increasing");
        to.operator("reveals", id);
      }
      to.hex("signature", message.signature, SIGNATURE);
      break;
    case "attestation":
      to.uint32("view", message.view).hex("outputHash", message.outputHash, WORD);
      to.hex("signature", message.signature, SIGNATURE);
  }
  return to.bytes;
}

/**
 * Reads what `encodeMessage` wrote, and nothing else.
 *
 * @returns null for a kind that is not ours to know.
 * @throws Error for any other bytes.
 */
export function decodeMessage(bytes: Uint8Array, maxOutputBytes: number): PeerMessage | null {
  const from = new Reader(bytes);
  const kind = from.byte();
  if (kind === 0) throw new Error("kind 0");
  if (kind > KIND.attestation) return null;
  const requestId = from.hex(WORD);
  const operatorId = from.operator("operatorId");
  const message = readFields(from, kind, { requestId, operatorId }, maxOutputBytes);
  from.end();
  return message;
}

function readFields(
  from: Reader,
  kind: number,
  head: { requestId: Hex; operatorId: number },
  maxOutputBytes: number,
): PeerMessage {
  switch (kind) {
    case KIND.commit:
      return { kind: "commit", ...head, commitment: from.hex(WORD), signature: from.hex(SIGNATURE) };
    case KIND.reveal: {
      const salt = from.hex(WORD);
      const output = from.output(maxOutputBytes);
      const commits: CommitMessage[] = [];
      for (let left = from.count("commits", SEALED); left > 0; left--)
        commits.push({
          kind: "commit",
          requestId: head.requestId,
          operatorId: from.operator("commits.operatorId"),
          commitment: from.hex(WORD),
          signature: from.hex(SIGNATURE),
        });
      return { kind: "reveal", ...head, output, salt, commits };
    }
    case KIND.proposal: {
      const view = from.uint32();
      const output = from.output(maxOutputBytes);
      const reveals: number[] = [];
      for (let left = from.count("reveals", UINT32); left > 0; left--) {
        const id = from.operator("reveals");
        if (id <= (reveals.at(-1) ?? 0)) throw new Error("reveals are not increasing");
        reveals.push(id);
      }
      return { kind: "proposal", ...head, view, output, reveals, signature: from.hex(SIGNATURE) };
    }
    default: {
      const view = from.uint32();
      const outputHash = from.hex(WORD);
      return { kind: "attestation", ...head, view, outputHash, signature: from.hex(SIGNATURE) };
    }
  }
}

function bytesOf(message: PeerMessage): number {
  switch (message.kind) {
    case "commit":
      return COMMIT_BYTES;
    case "reveal":
      return revealBytes(hexBytes(message.output), message.commits.length);
    case "proposal":
      return proposalBytes(hexBytes(message.output), message.reveals.length);
    case "attestation":
      return ATTESTATION_BYTES;
  }
}

/** Rounded up, so that half a byte is too many, and refused by name where it is written. */
const hexBytes = (hex: Hex): number => Math.ceil((hex.length - 2) / 2);

class Writer {
  readonly bytes: Buffer;
  #at = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  byte(value: number): this {
    this.#at = this.bytes.writeUInt8(value, this.#at);
    return this;
  }

  uint32(name: string, value: number): this {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw new Error(`${name}: ${value} is no integer of 32 bits`);
    this.#at = this.bytes.writeUInt32BE(value, this.#at);
    return this;
  }

  operator(name: string, id: number): this {
    if (id === 0) throw new Error(`${name}: 0 is nobody's`);
    return this.uint32(name, id);
  }

  count(name: string, length: number): this {
    if (length > MAX_OPERATORS_PER_MESSAGE)
      throw new Error(`${name}: ${length}, at most ${MAX_OPERATORS_PER_MESSAGE}`);
    return this.uint32(name, length);
  }

  /** `Buffer` stops silently at the first wrong digit, so what it wrote tells a bad string. */
  hex(name: string, value: Hex, length: number): this {
    const fits = value.startsWith("0x") && value.length === 2 + 2 * length;
    if (!fits || this.bytes.write(value.slice(2), this.#at, length, "hex") !== length)
      throw new Error(`${name}: not ${length} bytes in hex`);
    this.#at += length;
    return this;
  }

  output(value: Hex, maxOutputBytes: number): this {
    const length = hexBytes(value);
    if (length > maxOutputBytes) throw new Error(`output over ${maxOutputBytes} bytes`);
    return this.uint32("output", length).hex("output", value, length);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(UINT32));
  }

  operator(name: string): number {
    const id = this.uint32();
    if (id === 0) throw new Error(`${name}: 0 is nobody's`);
    return id;
  }

  hex(length: number): Hex {
    const at = this.#take(length);
    return `0x${this.#bytes.toString("hex", at, at + length)}`;
  }

  output(maxOutputBytes: number): Hex {
    const length = this.uint32();
    if (length > maxOutputBytes) throw new Error(`output over ${maxOutputBytes} bytes`);
    return this.hex(length);
  }

  /** How many items follow; all of them are there, so that a number alone costs nothing. */
  count(name: string, itemBytes: number): number {
    const count = this.uint32();
    if (count > MAX_OPERATORS_PER_MESSAGE)
      throw new Error(`${name}: ${count}, at most ${MAX_OPERATORS_PER_MESSAGE}`);
    if (this.#at + count * itemBytes > this.#bytes.length) throw new Error(`${name}: ends too early`);
    return count;
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new Error(`${left} bytes too many`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length)
      throw new Error(`${this.#bytes.length} bytes, at least ${at + length} needed`);
    this.#at = at + length;
    return at;
  }
}
