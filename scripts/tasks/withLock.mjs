import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const BEAT_MS = 2_000;
/** A holder that has not beaten for this long is dead. Works across containers, where a pid says nothing. */
const DEAD_AFTER_MS = 20_000;
const POLL_MS = 200;

/**
 * Runs `work` while no other process on this machine runs work under the same lock file.
 *
 * @template T
 * @param {string} path The lock file; its folder is made.
 * @param {{ onWait: (holder: string) => void, signal?: AbortSignal }} options `onWait` is told once who holds it.
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, options, work) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!tryTake(path)) {
    if (!told) options.onWait(readHolder(path));
    told = true;
    await delay(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimesSync(path, now, now);
  }, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(path, { force: true });
  }
}

/** @param {string} path */
function tryTake(path) {
  try {
    const file = openSync(path, "wx");
    writeSync(file, `process ${process.pid}`);
    closeSync(file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
  }
  try {
    if (Date.now() - statSync(path).mtimeMs < DEAD_AFTER_MS) return false;
    // Of several that find it dead, only one can rename it; the next round of the loop takes it properly.
    const grave = `${path}.${process.pid}`;
    renameSync(path, grave);
    rmSync(grave);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT") throw error;
  }
  return false;
}

/** @param {string} path */
function readHolder(path) {
  try {
    return readFileSync(path, "utf8") || "another process";
  } catch {
    return "another process";
  }
}
