import { createHash, randomBytes } from "node:crypto";
import { generateKeyPairFromSeed, publicKeyFromRaw } from "@libp2p/crypto/keys";
import { decode, encode } from "cborg";
import { z } from "zod";
import { MAX_RECORD_BYTES } from "./recordWire.ts";

/** Headers of a post; both hold CBOR in base64url. */
export const PEER_HEADER = "sibyl-peer";
export const POST_HEADER = "sibyl-post";
export const HELLO_NONCE_BYTES = 16;

/** Milliseconds that two clocks may differ, as for records. A post is remembered for twice as long. */
export const MAX_POST_SKEW_MS = 120_000;

/** The Ed25519 key that a peer id names; the same seed makes the same peer id as over libp2p. */
export interface PeerKey {
  readonly peerId: string;
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

export async function peerKeyFromSeed(seed: Uint8Array): Promise<PeerKey> {
  const key = await generateKeyPairFromSeed("Ed25519", seed);
  return {
    peerId: key.publicKey.toString(),
    publicKey: key.publicKey.raw,
    sign: async (bytes) => key.sign(bytes),
  };
}

const bytesOf = (length: number) =>
  z.instanceof(Uint8Array).refine((bytes) => bytes.length === length, `not ${length} bytes`);
const record = z.instanceof(Uint8Array).refine((bytes) => bytes.length <= MAX_RECORD_BYTES);
const peerSchema = z.strictObject({ key: bytesOf(32), record });
const helloSchema = z.strictObject({ key: bytesOf(32), record, signature: bytesOf(64) });
const postSchema = z.strictObject({
  to: z.string().max(128),
  sentAtMs: z.int().min(0),
  nonce: bytesOf(16),
  bodyHash: bytesOf(32),
  signature: bytesOf(64),
});

/** Who sends, and its record; nothing about it is proven yet. */
export interface ShownPeer {
  peerId: string;
  key: Uint8Array;
  record: Uint8Array;
}

export interface PostProof {
  /** Peer id. */
  to: string;
  sentAtMs: number;
  nonce: Uint8Array;
  /** SHA-256. */
  bodyHash: Uint8Array;
  signature: Uint8Array;
}

export const hashOf = (body: Uint8Array): Uint8Array => createHash("sha256").update(body).digest();

/** What a post's signature is over: neither another oracle's peers nor another peer can be shown it again. */
const postBytes = (topic: string, from: string, post: Omit<PostProof, "signature">): Uint8Array =>
  encode(["sibyl peer post", topic, from, post.to, post.sentAtMs, post.nonce, post.bodyHash]);

const helloBytes = (topic: string, peerId: string, nonce: Uint8Array): Uint8Array =>
  encode(["sibyl peer hello", topic, peerId, nonce]);

/** Headers that prove who posts a body, to whom and when. */
export async function provePost(
  key: PeerKey,
  topic: string,
  post: { to: string; body: Uint8Array; record: Uint8Array; nowMs: number },
): Promise<Record<string, string>> {
  const fields = {
    to: post.to,
    sentAtMs: post.nowMs,
    nonce: randomBytes(16),
    bodyHash: hashOf(post.body),
  };
  const signature = await key.sign(postBytes(topic, key.peerId, fields));
  return {
    [PEER_HEADER]: Buffer.from(encode({ key: key.publicKey, record: post.record })).toString("base64url"),
    [POST_HEADER]: Buffer.from(encode({ ...fields, signature })).toString("base64url"),
  };
}

/** Null when the header is missing or something else. Never throws. */
export function readPeerHeader(header: string | string[] | undefined): ShownPeer | null {
  const shown = peerSchema.safeParse(cborIn(header));
  if (!shown.success) return null;
  const { key, record: bytes } = shown.data;
  return { peerId: peerIdOf(key), key, record: bytes };
}

export function readPostHeader(header: string | string[] | undefined): PostProof | null {
  const post = postSchema.safeParse(cborIn(header));
  return post.success ? post.data : null;
}

/** Whether the peer signed the post. */
export const isPostProven = (topic: string, { peerId, key }: ShownPeer, post: PostProof): Promise<boolean> =>
  verify(key, postBytes(topic, peerId, post), post.signature);

/** Answers a hello: who we are, proven with the asker's own nonce. */
export async function answerHello(
  key: PeerKey,
  topic: string,
  nonce: Uint8Array,
  ownRecord: Uint8Array,
): Promise<Uint8Array> {
  const signature = await key.sign(helloBytes(topic, key.peerId, nonce));
  return encode({ key: key.publicKey, record: ownRecord, signature });
}

/** Null when the bytes are no answer to this nonce. Never throws. */
export async function readHello(
  topic: string,
  nonce: Uint8Array,
  answer: Uint8Array,
): Promise<ShownPeer | null> {
  const hello = helloSchema.safeParse(decoded(answer));
  if (!hello.success) return null;
  const { key, record: bytes, signature } = hello.data;
  const peerId = peerIdOf(key);
  return (await verify(key, helloBytes(topic, peerId, nonce), signature))
    ? { peerId, key, record: bytes }
    : null;
}

const peerIdOf = (key: Uint8Array): string => publicKeyFromRaw(key).toString();

async function verify(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    return await publicKeyFromRaw(key).verify(bytes, signature);
  } catch {
    // 32 bytes that are no point of the curve.
    return false;
  }
}

const cborIn = (header: string | string[] | undefined): unknown =>
  typeof header === "string" ? decoded(Buffer.from(header, "base64url")) : undefined;

function decoded(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true });
  } catch {
    return undefined;
  }
}
