import { decode, encode } from "cborg";
import { z } from "zod";
import type { CommitMessage, PeerMessage } from "../core/messages.ts";
import { fromHex, toHex } from "./hexBytes.ts";

/**
 * A message on the wire: version (1 byte), nonce (8 bytes), body (CBOR).
 *
 * The nonce tells a repeat from a relayed copy: gossip drops what it saw, so whoever sends again takes a new one.
 * The body has exactly one encoding, so equal bodies are equal messages. Hex travels as bytes, and a reveal's
 * commitments without the request id that they share with it.
 */
export const WIRE_VERSION = 1;
export const NONCE_BYTES = 8;
const HEADER_BYTES = 1 + NONCE_BYTES;

/** Commitments in a reveal, and reveals under a proposal; no committee is larger. */
export const MAX_OPERATORS_PER_MESSAGE = 64;

/** Upper bound of one commitment inside a reveal, with its field names. */
const COMMIT_BYTES = 160;

/** Bytes of the largest well-formed message with an output of `maxOutputBytes`. */
export const maxMessageBytes = (maxOutputBytes: number): number =>
  maxOutputBytes + MAX_OPERATORS_PER_MESSAGE * COMMIT_BYTES + 1_024;

/**
 * `too-large`, `malformed`: nobody honest sends it
 * `unknown-version`, `unknown-kind`: perhaps a newer node's; not ours to judge
 */
export type WireFault = "too-large" | "malformed" | "unknown-version" | "unknown-kind";

export type Decoded =
  | { ok: true; message: PeerMessage; body: Uint8Array }
  | { ok: false; fault: WireFault; detail: string };

const bytesOf = (length: number) =>
  z
    .instanceof(Uint8Array)
    .refine((bytes) => bytes.length === length, `not ${length} bytes`)
    .transform(toHex);

const uint32 = z.int().min(0).max(0xffff_ffff);
const operatorId = uint32.min(1);

/** Says which bytes are right; `maxOutputBytes` bounds outputs. */
function messageSchema(maxOutputBytes: number) {
  const output = z
    .instanceof(Uint8Array)
    .refine((bytes) => bytes.length <= maxOutputBytes, `output over ${maxOutputBytes} bytes`)
    .transform(toHex);
  const reveals = z
    .array(operatorId)
    .max(MAX_OPERATORS_PER_MESSAGE)
    .refine((ids) => ids.every((id, i) => i === 0 || id > (ids[i - 1] ?? 0)), "reveals not increasing");
  const sealed = { operatorId, commitment: bytesOf(32), signature: bytesOf(65) };

  return z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("commit"), requestId: bytesOf(32), ...sealed }),
    z
      .strictObject({
        kind: z.literal("reveal"),
        requestId: bytesOf(32),
        operatorId,
        output,
        salt: bytesOf(32),
        commits: z.array(z.strictObject(sealed)).max(MAX_OPERATORS_PER_MESSAGE),
      })
      .transform((reveal) => ({
        ...reveal,
        commits: reveal.commits.map(
          (commit): CommitMessage => ({ kind: "commit", requestId: reveal.requestId, ...commit }),
        ),
      })),
    z.strictObject({
      kind: z.literal("proposal"),
      requestId: bytesOf(32),
      operatorId,
      view: uint32,
      output,
      reveals,
      signature: bytesOf(65),
    }),
    z.strictObject({
      kind: z.literal("attestation"),
      requestId: bytesOf(32),
      operatorId,
      view: uint32,
      outputHash: bytesOf(32),
      signature: bytesOf(65),
    }),
  ]);
}

const KINDS: ReadonlySet<unknown> = new Set<PeerMessage["kind"]>([
  "commit",
  "reveal",
  "proposal",
  "attestation",
]);

export interface Wire {
  readonly maxMessageBytes: number;
  /**
   * @param nonce 8 bytes, fresh for every publication.
   * @throws Error when the message is one that `decode` would refuse.
   */
  encode(message: PeerMessage, nonce: Uint8Array): { bytes: Uint8Array; body: Uint8Array };
  /** Never throws, whatever the bytes. */
  decode(bytes: Uint8Array): Decoded;
}

/** @param maxOutputBytes Limit of an output, in both directions. */
export function createWire(maxOutputBytes: number): Wire {
  const schema = messageSchema(maxOutputBytes);
  const limit = maxMessageBytes(maxOutputBytes);

  function decodeMessage(bytes: Uint8Array): Decoded {
    if (bytes.length > limit) return refuse("too-large", `${bytes.length} bytes, limit ${limit}`);
    if (bytes.length <= HEADER_BYTES) return refuse("malformed", `${bytes.length} bytes`);
    if (bytes[0] !== WIRE_VERSION) return refuse("unknown-version", `version ${bytes[0]}`);
    const body = bytes.subarray(HEADER_BYTES);
    try {
      const fields: unknown = decode(body, {
        strict: true,
        allowIndefinite: false,
        rejectDuplicateMapKeys: true,
      });
      const kind =
        typeof fields === "object" && fields !== null && "kind" in fields ? fields.kind : undefined;
      if (typeof kind === "string" && !KINDS.has(kind)) return refuse("unknown-kind", kind.slice(0, 32));
      const parsed = schema.safeParse(fields);
      if (!parsed.success) return refuse("malformed", describe(parsed.error));
      // A second encoding of the same content would pass for a second message.
      if (Buffer.compare(encode(fields), body) !== 0) return refuse("malformed", "not canonical");
      return { ok: true, message: parsed.data, body };
    } catch (error) {
      return refuse("malformed", error instanceof Error ? error.message : String(error));
    }
  }

  return {
    maxMessageBytes: limit,

    encode(message, nonce) {
      if (nonce.length !== NONCE_BYTES)
        throw new Error(`nonce of ${nonce.length} bytes, expected ${NONCE_BYTES}`);
      const body = encodeBody(message);
      const bytes = new Uint8Array(HEADER_BYTES + body.length);
      bytes[0] = WIRE_VERSION;
      bytes.set(nonce, 1);
      bytes.set(body, HEADER_BYTES);
      // What others would refuse is better known here, where somebody can act on it.
      const check = decodeMessage(bytes);
      if (!check.ok) throw new Error(`${message.kind} message is ${check.fault}: ${check.detail}`);
      return { bytes, body };
    },

    decode: decodeMessage,
  };
}

function encodeBody(message: PeerMessage): Uint8Array {
  switch (message.kind) {
    case "commit":
      return encode({ kind: message.kind, requestId: fromHex(message.requestId), ...sealedFields(message) });
    case "reveal":
      return encode({
        kind: message.kind,
        requestId: fromHex(message.requestId),
        operatorId: message.operatorId,
        output: fromHex(message.output),
        salt: fromHex(message.salt),
        commits: message.commits.map((commit) => {
          if (commit.requestId.toLowerCase() !== message.requestId.toLowerCase()) {
            throw new Error(`reveal of ${message.requestId} carries a commitment for ${commit.requestId}`);
          }
          return sealedFields(commit);
        }),
      });
    case "proposal":
      return encode({
        kind: message.kind,
        requestId: fromHex(message.requestId),
        operatorId: message.operatorId,
        view: message.view,
        output: fromHex(message.output),
        reveals: message.reveals,
        signature: fromHex(message.signature),
      });
    case "attestation":
      return encode({
        kind: message.kind,
        requestId: fromHex(message.requestId),
        operatorId: message.operatorId,
        view: message.view,
        outputHash: fromHex(message.outputHash),
        signature: fromHex(message.signature),
      });
  }
}

const sealedFields = (commit: CommitMessage) => ({
  operatorId: commit.operatorId,
  commitment: fromHex(commit.commitment),
  signature: fromHex(commit.signature),
});

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join(".") || "message"}: ${issue.message}` : "not a message";
}

const refuse = (fault: WireFault, detail: string): Decoded => ({ ok: false, fault, detail });
