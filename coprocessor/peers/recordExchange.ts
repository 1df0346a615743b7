import { isOffence, type RecordFault } from "../core/peerRecord.ts";
import type { Log } from "../observe/port.ts";
import type { GossipNode } from "./gossipNode.ts";
import type { RecordBook } from "./recordBook.ts";
import { MAX_RECORD_BYTES } from "./recordWire.ts";

type Connection = ReturnType<GossipNode["libp2p"]["getConnections"]>[number];
type Stream = Awaited<ReturnType<Connection["newStream"]>>;

/** Names chain and oracle, so that peers of others are not even asked. */
export const recordProtocol = (topic: string): string => `/${topic}/peer-record/1`;

/** Milliseconds. */
const TICK_MS = 500;
const ASK_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** Between asking for a renewal and asking again: the issuer's clock may say that it is not time yet. */
const RENEWAL_MS = 10_000;
/** How often records are held against the registry: it changes with blocks. */
const REFRESH_MS = 2_000;

/** Before a record, its length, big-endian. */
const LENGTH_BYTES = 2;

interface Asking {
  nextAt: number;
  failures: number;
  under: boolean;
  /** What was logged last, so that the same is not logged again and again. */
  said: string;
}

export interface RecordExchangeOptions {
  topic: string;
  book: RecordBook;
  /** Takes the cost of being asked off a peer's budget; false when there is none left. */
  admits(peer: string): boolean;
  /** Told of what only somebody dishonest shows. */
  onOffence(peer: string): void;
  log: Log;
}

/**
 * Shows our record to every peer that asks, and asks every connected peer for its own: at once, again when half of its
 * time is over, and ever more rarely while it does not prove anything.
 */
export class RecordExchange {
  readonly #options: RecordExchangeOptions;
  #node: GossipNode | null = null;
  #timer: NodeJS.Timeout | null = null;
  #refreshedAt = 0;
  #refreshing = false;
  readonly #asking = new Map<string, Asking>();

  constructor(options: RecordExchangeOptions) {
    this.#options = options;
  }

  /** Before the node's start, so that no peer finds nobody to ask. */
  async serve(node: GossipNode): Promise<void> {
    this.#node = node;
    await node.libp2p.handle(
      recordProtocol(this.#options.topic),
      (stream, connection) => this.#show(stream, connection),
      // One at a time is what an honest peer does.
      { maxInboundStreams: 2, maxOutboundStreams: 2 },
    );
    node.libp2p.addEventListener("peer:connect", () => this.#tick());
    node.libp2p.addEventListener("peer:disconnect", (event) => {
      const peer = event.detail.toString();
      this.#asking.delete(peer);
      this.#options.book.forget(peer);
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#node = null;
    this.#asking.clear();
    for (const peer of this.#options.book.peers()) this.#options.book.forget(peer);
  }

  async #show(stream: Stream, connection: Connection): Promise<void> {
    const { book, admits, log } = this.#options;
    const peer = connection.remotePeer.toString();
    try {
      if (this.#node === null || !admits(peer)) throw new Error("not now");
      const bytes = await book.own(this.#node.libp2p.peerId.toString(), []);
      if (bytes === null) throw new Error("no operator to speak for");
      answerWith(stream, bytes);
    } catch (error) {
      log.debug({ peer, reason: messageOf(error) }, "own record not shown");
      stream.abort(error as Error);
    }
  }

  #tick(): void {
    const node = this.#node;
    if (node === null) return;
    const now = performance.now();
    if (!this.#refreshing && now - this.#refreshedAt >= REFRESH_MS) void this.#refresh(now);
    for (const connection of node.libp2p.getConnections()) {
      const peer = connection.remotePeer.toString();
      if (connection.status !== "open" || !this.#options.book.isDue(peer)) continue;
      const asking = this.#asking.get(peer) ?? { nextAt: 0, failures: 0, under: false, said: "" };
      this.#asking.set(peer, asking);
      if (!asking.under && now >= asking.nextAt) void this.#ask(connection, asking);
    }
  }

  async #refresh(now: number): Promise<void> {
    this.#refreshing = true;
    this.#refreshedAt = now;
    try {
      await this.#options.book.refresh();
      for (const [peer, asking] of this.#asking) this.#sayProven(peer, asking);
    } catch (error) {
      this.#options.log.warn({ err: error }, "peers' records could not be held against the registry");
    } finally {
      this.#refreshing = false;
    }
  }

  async #ask(connection: Connection, asking: Asking): Promise<void> {
    const { book, onOffence } = this.#options;
    const peer = connection.remotePeer.toString();
    asking.under = true;
    try {
      const bytes = await this.#read(connection);
      const refusal = await book.take(peer, bytes);
      // Gone meanwhile: nothing of it is kept.
      if (connection.status !== "open") book.forget(peer);
      if (refusal === null) {
        asking.failures = 0;
        this.#sayProven(peer, asking);
      } else {
        asking.failures += 1;
        if (isOffence(refusal.fault)) onOffence(peer);
        this.#say(peer, asking, refusal.fault, { detail: refusal.detail });
      }
    } catch (error) {
      asking.failures += 1;
      this.#say(peer, asking, "no-record", { detail: messageOf(error) });
    } finally {
      asking.under = false;
      const retryMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(asking.failures - 1, 16));
      asking.nextAt = performance.now() + (asking.failures === 0 ? RENEWAL_MS : retryMs);
    }
  }

  async #read(connection: Connection): Promise<Uint8Array> {
    const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
    const stream = await connection.newStream(recordProtocol(this.#options.topic), { signal });
    const onAbort = () => stream.abort(new Error(`no record within ${ASK_TIMEOUT_MS} ms`));
    signal.addEventListener("abort", onAbort);
    try {
      let read = Buffer.alloc(0);
      for await (const part of stream) {
        read = Buffer.concat([read, part.subarray()]);
        if (read.length < LENGTH_BYTES) continue;
        const length = read.readUInt16BE(0);
        if (length > MAX_RECORD_BYTES)
          throw new Error(`a record of ${length} bytes, limit ${MAX_RECORD_BYTES}`);
        if (read.length < LENGTH_BYTES + length) continue;
        await stream.close({ signal });
        return read.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
      }
      throw new Error("the answer ends before the record does");
    } catch (error) {
      stream.abort(error as Error);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #sayProven(peer: string, asking: Asking): void {
    const record = this.#options.book.recordOf(peer);
    if (record !== null) this.#say(peer, asking, "proven", { operatorId: record.operatorId });
  }

  #say(
    peer: string,
    asking: Asking,
    what: "proven" | "no-record" | RecordFault,
    fields: Record<string, unknown>,
  ): void {
    if (asking.said === what) return;
    asking.said = what;
    const { log } = this.#options;
    if (what === "proven") log.info({ peer, ...fields }, "peer proved to be an operator's");
    else if (what === "no-record") log.debug({ peer, ...fields }, "peer shows no record of an operator");
    else log.info({ peer, code: `peers/record-${what}`, ...fields }, "peer's record proves no operator");
  }
}

/**
 * Sends a record with its length before it, and closes when the other side has.
 *
 * Closed at once, the stream could end before the other side listens, who would then wait for its end in vain.
 */
export function answerWith(stream: Stream, bytes: Uint8Array): void {
  const timer = setTimeout(() => stream.abort(new Error("not taken in time")), ASK_TIMEOUT_MS);
  stream.addEventListener("close", () => clearTimeout(timer));
  stream.addEventListener("remoteCloseWrite", () => {
    stream.close().catch((error) => stream.abort(error));
  });
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(bytes.length);
  stream.send(Buffer.concat([length, bytes]));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
