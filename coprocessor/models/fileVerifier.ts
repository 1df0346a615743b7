import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
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
  /** By path: what the file looked like when its hash was right. */
  readonly #right = new Map<string, string>();

  /**
   * @throws CoprocessorError `model/hash-mismatch` naming the file, what was expected and what is there.
   * @throws the file system's error when it cannot be read.
   */
  async verify(path: string, entry: FileEntry): Promise<void> {
    // A named pipe would block an ordinary open for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat({ bigint: true });
      if (!stat.isFile()) throw mismatch(entry, path, "something that is no regular file");
      if (stat.size !== BigInt(entry.bytes))
        throw mismatch(entry, path, `${stat.size} bytes`, `${entry.bytes} bytes`);
      const seen = [entry.sha256, stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":");
      if (this.#right.get(path) === seen) return;

      const hash = createHash("sha256");
      for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
        hash.update(chunk);
      }
      const actual = hash.digest("hex");
      if (actual !== entry.sha256) throw mismatch(entry, path, `sha256 ${actual}`);
      this.#right.set(path, seen);
    } finally {
      await file.close();
    }
  }
}

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
