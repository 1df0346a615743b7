import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { FileEntry } from "./fileVerifier.ts";
import { isMissing, isNoSpace, modelError } from "./modelErrors.ts";
import type { OpenedUri } from "./openUri.ts";

/** A temporary file that was not written to for so long belongs to a process that died. */
const ABANDONED_MS = 10 * 60_000;
/** Kept free for databases and logs when a download is considered. */
const RESERVE_BYTES = 16 * 2 ** 20;

export interface ContentCacheOptions {
  directory: string;
  /** Bytes to leave free on the disk; 16 MiB when left out. */
  reserveBytes?: number;
  /** Most bytes that all files may have together; the longest unused make room. No limit when left out. */
  maxBytes?: number;
}

/**
 * Files by their sha256 on disk.
 *
 * A file gets its name only by an atomic rename after its last byte was hashed and synced, so whatever has a name was
 * right once; it is read-only from then on. Several processes may share a directory.
 */
export class ContentCache {
  readonly #directory: string;
  readonly #reserveBytes: number;
  readonly #maxBytes: number;
  /** By hash, when a file was last asked for; those of earlier runs count from when they were written. */
  readonly #usedMs = new Map<string, number>();
  #prepared: Promise<void> | null = null;

  constructor({
    directory,
    reserveBytes = RESERVE_BYTES,
    maxBytes = Number.POSITIVE_INFINITY,
  }: ContentCacheOptions) {
    this.#directory = resolve(directory);
    this.#reserveBytes = reserveBytes;
    this.#maxBytes = maxBytes;
  }

  /** A file is used now. */
  touch(sha256: string): void {
    this.#usedMs.set(sha256, Date.now());
  }

  /**
   * Removes the longest unused files until so many bytes more are within the limit.
   *
   * @param keep Hashes of files that stay: those of the model that needs the room.
   */
  async makeRoom(bytes: number, keep: ReadonlySet<string>): Promise<void> {
    if (this.#maxBytes === Number.POSITIVE_INFINITY) return;
    const files = [];
    for (const sha256 of await namesIn(join(this.#directory, "files"))) {
      const { size, mtimeMs } = await stat(this.pathOf(sha256));
      files.push({ sha256, size, usedMs: this.#usedMs.get(sha256) ?? mtimeMs });
    }
    let total = files.reduce((sum, { size }) => sum + size, bytes);
    for (const { sha256, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.#maxBytes) return;
      if (keep.has(sha256)) continue;
      await this.remove(sha256);
      this.#usedMs.delete(sha256);
      total -= size;
    }
  }

  pathOf(sha256: string): string {
    return join(this.#directory, "files", sha256);
  }

  manifestPathOf(modelId: string): string {
    return join(this.#directory, "manifests", `${modelId}.json`);
  }

  /** Takes a file out, for example because it rotted. */
  async remove(sha256: string): Promise<void> {
    await rm(this.pathOf(sha256), { force: true });
  }

  /**
   * Stores a file under its hash while it streams in.
   *
   * @throws CoprocessorError `model/hash-mismatch`, `model/too-large` (more bytes than the manifest says),
   * `model/fetch-failed` (fewer, or the stream broke), `model/no-space`.
   */
  async put(entry: FileEntry, opened: OpenedUri, from: string): Promise<void> {
    const about = { file: entry.path, from };
    const { stream, declaredBytes } = opened;
    try {
      if (declaredBytes !== null && declaredBytes !== entry.bytes) {
        throw modelError(
          declaredBytes > entry.bytes ? "too-large" : "hash-mismatch",
          `${entry.path} from ${from} has ${declaredBytes} bytes, the manifest says ${entry.bytes}`,
          "backoff",
          { ...about, expected: `${entry.bytes} bytes`, actual: `${declaredBytes} bytes` },
        );
      }
      await this.#checkSpace(entry.bytes, about);
      const hash = createHash("sha256");
      let size = 0;
      await this.#write(this.pathOf(entry.sha256), async (file) => {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (size > entry.bytes) {
            throw modelError(
              "too-large",
              `${entry.path} from ${from} goes on after the ${entry.bytes} bytes of the manifest`,
              "backoff",
              { ...about, limit: entry.bytes },
            );
          }
          hash.update(chunk);
          await writeAll(file, chunk);
        }
        const actual = hash.digest("hex");
        if (size < entry.bytes) {
          throw modelError(
            "fetch-failed",
            `${entry.path} from ${from} ended after ${size} of ${entry.bytes} bytes`,
            "backoff",
            { ...about, expected: `${entry.bytes} bytes`, actual: `${size} bytes` },
          );
        }
        if (actual !== entry.sha256) {
          throw modelError(
            "hash-mismatch",
            `${entry.path} from ${from} is not the file of the manifest: sha256 ${entry.sha256} expected, ${actual} found`,
            "backoff",
            { ...about, expected: `sha256 ${entry.sha256}`, actual: `sha256 ${actual}` },
          );
        }
      });
    } catch (error) {
      throw isNoSpace(error)
        ? modelError(
            "no-space",
            `no space left for ${entry.path} (${entry.bytes} bytes)`,
            "backoff",
            about,
            error,
          )
        : error instanceof Error && error.name === "CoprocessorError"
          ? error
          : modelError(
              "fetch-failed",
              `${entry.path} from ${from}: ${String(error)}`,
              "backoff",
              about,
              error,
            );
    } finally {
      stream.destroy();
    }
  }

  /** Keeps a manifest for the next start. The caller has checked it against the id. */
  async putManifest(modelId: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#write(this.manifestPathOf(modelId), (file) => writeAll(file, bytes));
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      throw modelError(
        "no-space",
        `no space left for the manifest of ${modelId}`,
        "backoff",
        { modelId },
        error,
      );
    }
  }

  async #write(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
    await this.#prepared;
    const temporary = join(this.#directory, "incoming", randomUUID());
    try {
      const file = await open(temporary, "wx", 0o444);
      try {
        await fill(file);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    for (const name of ["files", "manifests", "incoming"]) {
      await mkdir(join(this.#directory, name), { recursive: true });
    }
    const incoming = join(this.#directory, "incoming");
    for (const name of await readdir(incoming)) {
      const path = join(incoming, name);
      try {
        if (Date.now() - (await stat(path)).mtimeMs > ABANDONED_MS) await rm(path, { force: true });
      } catch (error) {
        if (!isMissing(error)) throw error; // its owner finished it meanwhile
      }
    }
  }

  /** Refuses before the first byte what cannot fit: a full disk would hurt the databases beside it. */
  async #checkSpace(bytes: number, about: Record<string, unknown>): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const { bavail, bsize } = await statfs(this.#directory);
    const free = bavail * bsize;
    if (free < bytes + this.#reserveBytes) {
      throw modelError(
        "no-space",
        `${about.file} needs ${bytes} bytes and ${this.#reserveBytes} are kept free, but ${this.#directory} has ${free}`,
        "backoff",
        { ...about, bytes, free, reserve: this.#reserveBytes },
      );
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}
