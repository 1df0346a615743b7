import type { yamux } from "@libp2p/yamux";
import { CoprocessorError } from "../core/errors.ts";

type CreateFactory = ReturnType<typeof yamux>;

/** What yamux's classes have beyond their published interface, and we use. */
interface MuxerInternals {
  _newStream(...args: unknown[]): StreamInternals;
}

interface StreamInternals {
  readonly state: number;
  /** Bytes that the peer may send in a full window, and those that are left of it. */
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}

/** `StreamState.Established` of @libp2p/yamux: both sides know of the stream, so an update carries no flag. */
const ESTABLISHED = 3;

/**
 * Yamux that grants its peer more bytes only once half of the window is used.
 *
 * It answers every single data frame with a window update otherwise: a second frame for each, encrypted, sent and read.
 * The peer has at least half of the window at any time, 128 KiB, so it waits no more than before.
 *
 * @throws CoprocessorError `peers/unsupported-yamux` when a connection is made, should another version lack what we use.
 */
export function withRareWindowUpdates(create: CreateFactory): CreateFactory {
  return () => {
    const factory = create();
    const createMuxer = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection) => {
      const muxer = createMuxer(connection);
      limitUpdates(muxer as unknown as MuxerInternals);
      return muxer;
    };
    return factory;
  };
}

function limitUpdates(muxer: MuxerInternals): void {
  if (typeof muxer._newStream !== "function") throw unsupported();
  const create = muxer._newStream.bind(muxer);
  muxer._newStream = (...args) => {
    const stream = create(...args);
    if (typeof stream.sendWindowUpdate !== "function" || !(stream.recvWindowCapacity <= stream.recvWindow))
      throw unsupported();
    const update = stream.sendWindowUpdate.bind(stream);
    stream.sendWindowUpdate = () => {
      if (stream.state !== ESTABLISHED || 2 * stream.recvWindowCapacity < stream.recvWindow) update();
    };
    return stream;
  };
}

const unsupported = () =>
  new CoprocessorError("this version of yamux cannot be kept from answering every frame", {
    code: "peers/unsupported-yamux",
    retry: "never",
  });
