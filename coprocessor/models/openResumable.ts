import { Readable } from "node:stream";
import type { Log } from "../observe/port.ts";
import { type FetchPolicy, type OpenedUri, openUri } from "./openUri.ts";

/** Between two lines about a download. */
const PROGRESS_MS = 5_000;

/**
 * Opens a URI whose stream goes on where it broke off: as long as each try brings further bytes, the rest is asked for
 * anew. A server that gives no ranges is read from its beginning, and what is known is skipped.
 *
 * @param bytes How many there should be, for the log.
 * @throws as `openUri` does; the stream fails with the last try's error.
 */
export async function openResumable(
  uri: URL,
  policy: FetchPolicy,
  bytes: number,
  log: Log,
): Promise<OpenedUri> {
  const endMs = Date.now() + policy.deadlineMs;
  const first = await openUri(uri, policy);
  return { ...first, stream: Readable.from(chunks(), { objectMode: false }) };

  async function* chunks(): AsyncGenerator<Buffer> {
    let opened = first;
    let at = 0;
    let toldMs = Date.now();
    for (;;) {
      const startedAt = at;
      const { stream, firstByte = 0 } = opened;
      try {
        let skip = at - firstByte;
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          const fresh = chunk.subarray(Math.min(skip, chunk.length));
          skip -= chunk.length - fresh.length;
          if (fresh.length === 0) continue;
          at += fresh.length;
          yield fresh;
          if (Date.now() - toldMs < PROGRESS_MS) continue;
          toldMs = Date.now();
          log.info({ uri: uri.href, fetched: at, bytes }, "fetching a model's file");
        }
        return;
      } catch (error) {
        const leftMs = endMs - Date.now();
        if (at === startedAt || at >= bytes || leftMs <= 0) throw error;
        log.warn(
          { err: error, uri: uri.href, fetched: at, bytes },
          "a download broke off; it is gone on with",
        );
        opened = await openUri(uri, { ...policy, deadlineMs: leftMs }, at);
      } finally {
        stream.destroy();
      }
    }
  }
}
