import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { modelError } from "./modelErrors.ts";

/** What a manifest says of a file. */
export interface FileEntry {
  path: string;
  /** 64 lower-case hex digits. */
  sha256: string;
  bytes: number;
}

/**
 * Checks files on disk against what their manifest says.
 *
 * A file is read again only when its inode, size or times changed since it was right: the kernel moves ctime with
 * every write, and nobody can set it back. That is for speed. What counts in the end is that the engine hashes the
 * very bytes that it loads.
 */
export class FileVerifier {
  /** By path: what the file looked like when its hash was right, and when it was last seen so. */
  readonly #right = new Map<string, { looks: string; sha256: string; seenAtMs: number }>();
  readonly #lookMs: number;

  /** @param lookMs Milliseconds for which a look at a file that was right counts. */
  constructor(lookMs = 0) {
    this.#lookMs = lookMs;
  }

  /**
   * @throws CoprocessorError `model/hash-mismatch` naming the file, what was expected and what is there.
   * @throws the file system's error when it cannot be read.
   */
  async verify(path: string, entry: FileEntry): Promise<void> {
    const right = this.#right.get(path);
    if (right?.sha256 === entry.sha256) {
      const nowMs = performance.now();
      if (nowMs - right.seenAtMs < this.#lookMs) return;
      // One look, and not three: a busy worker asks for each job.
      if (right.looks === looksOf(await stat(path, { bigint: true }))) {
        right.seenAtMs = nowMs;
        return;
      }
    }
    // A named pipe would block an ordinary open for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const seenAtMs = performance.now();
      const stats = await file.stat({ bigint: true });
      if (!stats.isFile()) throw mismatch(entry, path, "something that is no regular file");
      if (stats.size !== BigInt(entry.bytes))
        throw mismatch(entry, path, `${stats.size} bytes`, `${entry.bytes} bytes`);
      const hash = createHash("sha256");
      for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
        hash.update(chunk);
      }
      const actual = hash.digest("hex");
      if (actual !== entry.sha256) throw mismatch(entry, path, `sha256 ${actual}`);
      this.#right.set(path, { looks: looksOf(stats), sha256: actual, seenAtMs });
    } finally {
      await file.close();
    }
  }
}

/** What a file looks like, as long as nobody writes to it. */
const looksOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(":");

function mismatch(entry: FileEntry, path: string, actual: string, expected = `sha256 ${entry.sha256}`) {
  return modelError(
    "hash-mismatch",
    `${entry.path} is not the file of the manifest: ${expected} expected, ${actual} found at ${path}`,
    "never",
    {
      file: entry.path,
      expected,
      actual,
      path,
    },
  );
}
