import { randomUUID } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { CoprocessorError } from "../core/errors.ts";

/** A holder on another host (a container that was replaced) cannot be probed; it shows life by the file's time. */
const HEARTBEAT_MS = 5_000;
const SILENT_MS = 30_000;

/** Who holds a lock. Pids are reused, so the process's start time tells two holders of one pid apart. */
interface Holder {
  pid: number;
  /** Clock ticks since boot (Linux); null where the system does not tell. */
  startTicks: string | null;
  host: string;
  token: string;
}

export interface LockFile {
  readonly path: string;
  release(): void;
}

/**
 * Takes a lock that one process holds and that dies with it: a lock left by a process that is gone is taken over.
 *
 * @throws CoprocessorError `store/locked`, with the holder's pid, while its process lives.
 */
export function acquireLockFile(path: string): LockFile {
  mkdirSync(dirname(path), { recursive: true });
  const me: Holder = {
    pid: process.pid,
    startTicks: startTicks(process.pid),
    host: hostname(),
    token: randomUUID(),
  };
  const draft = `${path}.${me.token}`;
  writeFileSync(draft, JSON.stringify(me));
  try {
    while (!tryLink(draft, path)) {
      const holder = readHolder(path);
      if (holder === "gone") continue;
      if (holder !== "unreadable" && isAlive(path, holder)) throw locked(path, holder);
      removeStale(path, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS);
  heartbeat.unref();
  return {
    path,
    release() {
      clearInterval(heartbeat);
      const holder = readHolder(path);
      if (typeof holder === "object" && holder.token === me.token) rmSync(path, { force: true });
    },
  };
}

/** A hard link appears whole or not at all, so nobody reads half a lock. */
function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

function readHolder(path: string): Holder | "gone" | "unreadable" {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Partial<Holder>;
    return typeof holder.pid === "number" && typeof holder.token === "string"
      ? (holder as Holder)
      : "unreadable";
  } catch (error) {
    return hasCode(error, "ENOENT") ? "gone" : "unreadable";
  }
}

/**
 * Moves a stale lock aside. Another process may have done so and locked in the meantime: then what was moved is its
 * lock, and it is put back.
 */
function removeStale(path: string, stale: Holder | "unreadable"): void {
  const aside = `${path}.stale-${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  const moved = readHolder(aside);
  const wasStale = typeof moved !== "object" || (stale !== "unreadable" && moved.token === stale.token);
  if (!wasStale) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Somebody removed the file: there is nothing to keep alive.
  }
}

function isAlive(path: string, holder: Holder): boolean {
  if (holder.host !== hostname())
    return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < SILENT_MS;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
  }
  const ticks = startTicks(holder.pid);
  return holder.startTicks === null || ticks === null || ticks === holder.startTicks;
}

/** Field 22 of `/proc/<pid>/stat`; the command name before it may hold spaces, but ends at the last `)`. */
function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

const locked = (path: string, holder: Holder): CoprocessorError =>
  new CoprocessorError(`data directory is in use by process ${holder.pid} on ${holder.host}`, {
    code: "store/locked",
    retry: "never",
    meta: { lock: path, pid: holder.pid, host: holder.host },
  });

const hasCode = (error: unknown, code: string): boolean =>
  (error as NodeJS.ErrnoException | null)?.code === code;
