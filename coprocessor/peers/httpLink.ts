import { MAX_BATCH_BYTES, MAX_FRAMES } from "./httpServer.ts";

/** What waits for one peer; beyond it the oldest goes, because its sender repeats it. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** One address, and the peer behind it once it has said who it is. */
export interface Link {
  url: URL;
  /** The peer whose record named the address; null for one that we were given. */
  learnedOf: string | null;
  peer: string | null;
  /** The peer took our last post. */
  live: boolean;
  waiting: Uint8Array[];
  waitingBytes: number;
  busy: boolean;
  failures: number;
  nextAt: number;
  postedAt: number;
}

export const newLink = (url: URL, learnedOf: string | null): Link => ({
  url,
  learnedOf,
  peer: null,
  live: false,
  waiting: [],
  waitingBytes: 0,
  busy: false,
  failures: 0,
  nextAt: 0,
  postedAt: 0,
});

/** Lets a message wait for the next post. */
export function addWaiting(link: Link, bytes: Uint8Array): void {
  link.waiting.push(bytes);
  link.waitingBytes += bytes.length;
  while (link.waitingBytes > MAX_WAITING_BYTES) link.waitingBytes -= link.waiting.shift()?.length ?? 0;
}

/** Takes out as many of the oldest as fit one post. */
export function takeBatch(link: Link): Uint8Array[] {
  const batch: Uint8Array[] = [];
  let bytes = 0;
  while (link.waiting.length > 0 && batch.length < MAX_FRAMES && bytes < MAX_BATCH_BYTES) {
    const next = link.waiting.shift() as Uint8Array;
    link.waitingBytes -= next.length;
    bytes += next.length;
    batch.push(next);
  }
  return batch;
}

/** Null for anything but a plain web address of a host; a path before ours is welcome. */
export function peerUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  return isPlain && (url.protocol === "http:" || url.protocol === "https:") ? url : null;
}
