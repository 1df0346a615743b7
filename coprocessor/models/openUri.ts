import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { getOverHttp } from "./getOverHttp.ts";
import { isMissing, modelError } from "./modelErrors.ts";

/** How to reach what somebody on the chain named. */
export interface FetchPolicy {
  /** Milliseconds without a byte, or without an answer, until a download is given up. */
  stallMs: number;
  /** Milliseconds that one download may take in all. */
  deadlineMs: number;
  /** Whether URIs may lead to loopback, private and link-local addresses. */
  allowPrivateHosts: boolean;
}

/** A stream of bytes and, where the other side says it, how many they will be. */
export interface OpenedUri {
  stream: Readable;
  declaredBytes: number | null;
  /** Place of the stream's first byte in the whole; 0 when left out. */
  firstByte?: number;
}

/**
 * Opens a `file:`, `http:` or `https:` URI for reading.
 *
 * @param from First byte to read. A server may begin earlier all the same; `firstByte` says where it did.
 * @throws CoprocessorError `model/not-found` when nothing is there, `model/fetch-failed` when it cannot be reached.
 */
export async function openUri(uri: URL, policy: FetchPolicy, from = 0): Promise<OpenedUri> {
  if (uri.protocol === "http:" || uri.protocol === "https:") {
    const opened = await getOverHttp(uri, policy, from);
    // A byte now and then is no stall, so slowness needs a limit of its own.
    addAbortSignal(AbortSignal.timeout(policy.deadlineMs), opened.stream);
    return opened;
  }
  if (uri.protocol === "file:") return openFile(uri, from);
  throw modelError("fetch-failed", `${uri.protocol} is no protocol that models are fetched over`, "never", {
    uri: uri.href,
    known: ["file:", "http:", "https:"],
  });
}

async function openFile(uri: URL, from: number): Promise<OpenedUri> {
  try {
    const path = fileURLToPath(uri);
    const stat = await lstat(path);
    // A device or a pipe has no end, and a link may lead to one.
    if (!stat.isFile()) throw new Error("it is no regular file");
    return { stream: createReadStream(path, { start: from }), declaredBytes: stat.size, firstByte: from };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw modelError(
      isMissing(cause) ? "not-found" : "fetch-failed",
      `${uri.href} cannot be read: ${message}`,
      "backoff",
      { uri: uri.href },
      cause,
    );
  }
}
