import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isOffence } from "../core/peerRecord.ts";
import type { Log } from "../observe/port.ts";
import { unpackFrames } from "./frames.ts";
import {
  answerHello,
  HELLO_NONCE_BYTES,
  hashOf,
  isPostProven,
  MAX_POST_SKEW_MS,
  PEER_HEADER,
  type PeerKey,
  POST_HEADER,
  readPeerHeader,
  readPostHeader,
} from "./httpProof.ts";
import type { Intake } from "./intake.ts";
import type { PeerLimits } from "./limits.ts";
import { createRecentKeys } from "./recentKeys.ts";
import type { RecordBook } from "./recordBook.ts";
import { claimedMessages } from "./wire.ts";

export interface HttpServerOptions {
  topic: string;
  key: PeerKey;
  book: RecordBook;
  intake: Intake;
  limits: PeerLimits;
  /** Our own record; null while there is no operator to speak for. */
  ownRecord(): Promise<Uint8Array | null>;
  /** Told of a proven operator's peer, before its messages. */
  onPeer(peer: string): void;
  onMessage(peer: string, bytes: Uint8Array): void;
  log: Log;
}

export interface HttpListening {
  /** Where it listens. */
  url: string;
  close(): Promise<void>;
}

/** Bundles in one post, and bytes beside the last one. */
export const MAX_FRAMES = 64;
export const MAX_BATCH_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** Posts remembered, so that none is heard twice; beyond it the oldest may be. */
const MAX_POSTS = 65_536;

/** Why a request gets nothing; `code` and `reason` are told to whoever sent it. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, reason: string) {
    super(reason);
    this.status = status;
    this.code = code;
  }
}

/**
 * Listens for peers: `GET /<topic>/peer?nonce=` tells who we are, `POST /<topic>/messages` takes messages.
 *
 * Only bonded operators' peers are heard. All of that is checked from the headers, before the body is read; what fails
 * is charged to the address that it came from, and what a proven peer does to the peer.
 *
 * @throws whatever Node's server throws when it cannot listen.
 */
export async function listenHttp(
  options: HttpServerOptions,
  listen: { host: string; port: number },
): Promise<HttpListening> {
  const posts = createRecentKeys(2 * MAX_POST_SKEW_MS, MAX_POSTS);
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    handle(options, posts, request, response).catch((error) => refuse(options.log, request, response, error));
  });
  server.maxConnections = options.limits.maxConnections;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await listening(server, listen);
  const { address, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      // Faults of single connections: theirs, not ours.
      server.on("clientError", (_, socket) => socket.destroy());
      resolve();
    });
  });
}

async function handle(
  options: HttpServerOptions,
  posts: ReturnType<typeof createRecentKeys>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { topic, intake } = options;
  const address = `address ${request.socket.remoteAddress}`;
  if (intake.isBanned(address)) throw new Refusal(429, "peers/too-many", "too much that was refused");
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://peer");
  if (request.method === "GET" && pathname === `/${topic}/peer`)
    return hello(options, address, searchParams, response);
  if (request.method === "POST" && pathname === `/${topic}/messages`)
    return take(options, posts, address, request, response);
  intake.charge(address);
  throw new Refusal(404, "peers/not-here", `this is a peer of ${topic}`);
}

async function hello(
  { topic, key, intake, ownRecord }: HttpServerOptions,
  address: string,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  if (!intake.admits(address, 1, 0)) throw new Refusal(429, "peers/too-many", "too many questions");
  const nonce = Buffer.from(query.get("nonce") ?? "", "hex");
  if (nonce.length !== HELLO_NONCE_BYTES)
    throw new Refusal(400, "peers/malformed", `nonce must be ${HELLO_NONCE_BYTES} bytes in hex`);
  const record = await ownRecord();
  if (record === null) throw new Refusal(503, "peers/no-operator", "there is no operator to speak for");
  response.writeHead(200, { "content-type": "application/cbor" });
  response.end(await answerHello(key, topic, nonce, record));
}

async function take(
  options: HttpServerOptions,
  posts: ReturnType<typeof createRecentKeys>,
  address: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { intake, onPeer, onMessage } = options;
  const length = lengthOf(request, MAX_BATCH_BYTES + intake.maxBundleBytes);
  const { peer, bodyHash } = await prove(options, posts, address, request);
  if (!intake.admits(peer, 0, length)) throw overBudget(intake, peer);
  const body = await bodyOf(request, length);
  if (Buffer.compare(hashOf(body), bodyHash) !== 0) {
    intake.charge(address);
    throw new Refusal(400, "peers/malformed", "the body is not the one that was signed");
  }
  const frames = unpackFrames(body, MAX_FRAMES);
  if (frames === null) {
    intake.charge(peer);
    throw new Refusal(400, "peers/malformed", `the body is not 0 to ${MAX_FRAMES} bundles`);
  }
  const messages = frames.reduce((sum, frame) => sum + claimedMessages(frame), 0);
  intake.traffic.copies += messages;
  for (const frame of frames) intake.traffic.copiedBytes += frame.length;
  if (!intake.admits(peer, Math.max(1, messages), 0)) throw overBudget(intake, peer);
  onPeer(peer);
  for (const frame of frames) onMessage(peer, frame);
  response.writeHead(204).end();
}

/** Who posts, and what: all that the headers prove. */
async function prove(
  { topic, key, book, intake }: HttpServerOptions,
  posts: ReturnType<typeof createRecentKeys>,
  address: string,
  request: IncomingMessage,
): Promise<{ peer: string; bodyHash: Uint8Array }> {
  const shown = readPeerHeader(request.headers[PEER_HEADER]);
  const post = readPostHeader(request.headers[POST_HEADER]);
  if (shown === null || post === null) {
    intake.charge(address);
    throw new Refusal(400, "peers/malformed", `the headers ${PEER_HEADER} and ${POST_HEADER} are needed`);
  }
  // Before anything that costs more than reading: keys are free, and so is naming an operator.
  if (!book.isProven(shown.peerId) && !intake.admits(address, 1, 0))
    throw new Refusal(429, "peers/too-many", "too many peers that prove nothing");
  if (post.to !== key.peerId) throw new Refusal(421, "peers/not-me", `this is ${key.peerId}`);
  const offMs = Date.now() - post.sentAtMs;
  if (Math.abs(offMs) > MAX_POST_SKEW_MS) {
    throw new Refusal(
      401,
      "peers/clock-off",
      `sent ${offMs} ms ago by our clock, at most ${MAX_POST_SKEW_MS}`,
    );
  }
  if (!(await isPostProven(topic, shown, post))) {
    intake.charge(address);
    throw new Refusal(401, "peers/bad-signature", `not signed by ${shown.peerId}`);
  }
  const peer = shown.peerId;
  if (intake.isBanned(peer)) throw new Refusal(403, "peers/banned", "it sent more than its limit");
  const nonce = Buffer.from(post.nonce).toString("base64");
  if (!posts.add(`${peer} ${nonce}`, Date.now()))
    throw new Refusal(409, "peers/replayed", "this post was heard before");
  const refusal = await book.take(peer, shown.record);
  if (refusal !== null) {
    // What proves no operator is not remembered.
    book.forget(peer);
    if (isOffence(refusal.fault)) intake.charge(address);
    throw new Refusal(403, `peers/record-${refusal.fault}`, refusal.detail);
  }
  return { peer, bodyHash: post.bodyHash };
}

const overBudget = (intake: Intake, peer: string): Refusal =>
  intake.isBanned(peer)
    ? new Refusal(403, "peers/banned", "it sent more than its limit")
    : new Refusal(429, "peers/over-budget", "slower");

function lengthOf(request: IncomingMessage, most: number): number {
  const header = request.headers["content-length"];
  const length = Number(header);
  if (header === undefined || !Number.isInteger(length) || length < 0)
    throw new Refusal(411, "peers/malformed", "content-length is needed");
  if (length > most) throw new Refusal(413, "peers/too-large", `${length} bytes, at most ${most}`);
  return length;
}

async function bodyOf(request: IncomingMessage, length: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  // Node ends the body at the length that was announced.
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  if (body.length !== length) throw new Refusal(400, "peers/malformed", "the body ended too early");
  return body;
}

function refuse(log: Log, request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (!(error instanceof Refusal)) log.warn({ err: error }, "peer's request failed");
  if (response.headersSent || response.destroyed) return void response.destroy();
  const { status, code, message } =
    error instanceof Refusal ? error : { status: 500, code: "peers/failed", message: "" };
  // Whatever of the body is still to come is not read.
  const close = request.complete ? {} : { connection: "close" };
  response.writeHead(status, { "content-type": "application/json", ...close });
  response.end(JSON.stringify({ code, reason: message }), () => {
    if (!request.complete) request.destroy();
  });
}
