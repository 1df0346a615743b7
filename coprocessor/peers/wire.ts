import type { PeerMessage } from "../core/messages.ts";
import { decodeMessage, encodeMessage, maxMessageBytes } from "./messageBytes.ts";

/**
 * A bundle on the wire: version (1 byte), nonce (8 bytes), number of messages (1 byte), then each message after its
 * length (4 bytes, big-endian).
 *
 * The nonce tells a repeat from a relayed copy: gossip drops what it saw, so whoever sends again takes a new one.
 */
export const WIRE_VERSION = 2;
export const NONCE_BYTES = 8;
const COUNT_AT = 1 + NONCE_BYTES;
const HEADER_BYTES = COUNT_AT + 1;
const LENGTH_BYTES = 4;

/** Messages in a bundle. */
export const MAX_MESSAGES_PER_BUNDLE = 64;

/**
 * `too-large`, `malformed`: nobody honest sends it
 * `unknown-version`: perhaps a newer node's; not ours to judge
 */
export type WireFault = "too-large" | "malformed" | "unknown-version";

/** A message and its encoding, which no other message has. */
export interface BundledMessage {
  message: PeerMessage;
  body: Uint8Array;
}

export type Decoded =
  /** `unknown`: messages of kinds that perhaps a newer node knows. */
  { ok: true; messages: BundledMessage[]; unknown: number } | { ok: false; fault: WireFault; detail: string };

export interface Wire {
  /** No bundle is larger than one of the largest message alone. */
  readonly maxBundleBytes: number;
  /** @throws Error when the message is one that others would refuse. */
  encode(message: PeerMessage): Uint8Array;
  /** How many of these bodies, from the first on, one bundle takes: at least one. */
  fitting(bodies: readonly Uint8Array[]): number;
  /**
   * @param bodies As many as fit.
   * @param nonce 8 bytes, fresh for every publication.
   */
  bundle(bodies: readonly Uint8Array[], nonce: Uint8Array): Uint8Array;
  /** Never throws, whatever the bytes. One message that nobody honest sends makes the whole bundle one. */
  decode(bytes: Uint8Array): Decoded;
}

/** How many messages a bundle says it has, to charge for before it is read; `decode` refuses one with another number. */
export const claimedMessages = (bytes: Uint8Array): number =>
  bytes[0] === WIRE_VERSION ? Math.max(1, bytes[COUNT_AT] ?? 0) : 1;

/** @param maxOutputBytes Limit of an output, in both directions. */
export function createWire(maxOutputBytes: number): Wire {
  const maxBundleBytes = HEADER_BYTES + LENGTH_BYTES + maxMessageBytes(maxOutputBytes);

  return {
    maxBundleBytes,

    encode: (message) => encodeMessage(message, maxOutputBytes),

    fitting(bodies) {
      let bytes = HEADER_BYTES;
      let fitting = 0;
      for (const body of bodies) {
        bytes += LENGTH_BYTES + body.length;
        if (fitting > 0 && (bytes > maxBundleBytes || fitting === MAX_MESSAGES_PER_BUNDLE)) break;
        fitting += 1;
      }
      return fitting;
    },

    bundle(bodies, nonce) {
      if (nonce.length !== NONCE_BYTES)
        throw new Error(`nonce of ${nonce.length} bytes, expected ${NONCE_BYTES}`);
      const length = bodies.reduce((sum, body) => sum + LENGTH_BYTES + body.length, HEADER_BYTES);
      const bytes = Buffer.allocUnsafe(length);
      bytes[0] = WIRE_VERSION;
      bytes.set(nonce, 1);
      bytes[COUNT_AT] = bodies.length;
      let at = HEADER_BYTES;
      for (const body of bodies) {
        at = bytes.writeUInt32BE(body.length, at);
        bytes.set(body, at);
        at += body.length;
      }
      return bytes;
    },

    decode(bytes) {
      if (bytes.length > maxBundleBytes)
        return refuse("too-large", `${bytes.length} bytes, limit ${maxBundleBytes}`);
      if (bytes.length <= COUNT_AT) return refuse("malformed", `${bytes.length} bytes`);
      if (bytes[0] !== WIRE_VERSION) return refuse("unknown-version", `version ${bytes[0]}`);
      try {
        return { ok: true, ...readMessages(bytes, maxOutputBytes) };
      } catch (error) {
        return refuse("malformed", error instanceof Error ? error.message : String(error));
      }
    },
  };
}

function readMessages(
  frame: Uint8Array,
  maxOutputBytes: number,
): { messages: BundledMessage[]; unknown: number } {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const count = bytes.readUInt8(COUNT_AT);
  if (count === 0 || count > MAX_MESSAGES_PER_BUNDLE)
    throw new Error(`${count} messages, expected 1 to ${MAX_MESSAGES_PER_BUNDLE}`);
  const messages: BundledMessage[] = [];
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    if (at + LENGTH_BYTES > bytes.length) throw new Error(`${i} of ${count} messages`);
    const from = at + LENGTH_BYTES;
    at = from + bytes.readUInt32BE(at);
    if (at > bytes.length) throw new Error(`message ${i} ends ${at - bytes.length} bytes too late`);
    const body = bytes.subarray(from, at);
    const message = decodeMessage(body, maxOutputBytes);
    if (message !== null) messages.push({ message, body });
  }
  if (at < bytes.length) throw new Error(`${bytes.length - at} bytes after the last message`);
  return { messages, unknown: count - messages.length };
}

const refuse = (fault: WireFault, detail: string): Decoded => ({ ok: false, fault, detail });
