import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CoprocessorError } from "../core/errors.ts";
import { guardSpace } from "./freeSpace.ts";
import { acquireLockFile, type LockFile } from "./lockFile.ts";

/** A cluster takes 40 MB when new; with less free than this the first hour would fail. */
const NEW_CLUSTER_BYTES = 128 * 1024 * 1024;
const TEMPLATE_WAIT_MS = 120_000;
const TEMPLATE_POLL_MS = 100;

/** A directory holds a cluster once Postgres has written its version there; ours appear whole, by rename. */
const isCluster = (directory: string): boolean => existsSync(join(directory, "PG_VERSION"));

/**
 * Makes sure that `directory` holds a Postgres cluster.
 *
 * Making one costs about 4 s of CPU, copying one 0.1 s: with `template`, the first caller makes the cluster there and
 * every caller copies it; callers in other processes wait for the first. A process that dies half-way leaves nothing
 * that looks like a cluster.
 *
 * @throws CoprocessorError `store/no-space`, `store/unavailable`.
 */
export async function ensureCluster(directory: string, template?: string): Promise<void> {
  if (isCluster(directory)) return;
  await mkdir(dirname(directory), { recursive: true });
  guardSpace(dirname(directory), NEW_CLUSTER_BYTES).check();
  if (template === undefined) return publish(directory, makeCluster);
  await ensureTemplate(template);
  await publish(directory, (draft) => cp(template, draft, { recursive: true }));
}

async function ensureTemplate(template: string): Promise<void> {
  if (isCluster(template)) return;
  await mkdir(dirname(template), { recursive: true });
  const lock = await waitForLock(`${template}.lock`, () => isCluster(template));
  try {
    if (!isCluster(template)) await publish(template, makeCluster);
  } finally {
    lock?.release();
  }
}

/** Null when `done` before the lock came free. */
async function waitForLock(path: string, done: () => boolean): Promise<LockFile | null> {
  const giveUpAt = Date.now() + TEMPLATE_WAIT_MS;
  for (;;) {
    if (done()) return null;
    try {
      return acquireLockFile(path);
    } catch (error) {
      const isBusy = error instanceof CoprocessorError && error.code === "store/locked";
      if (!isBusy || Date.now() > giveUpAt) throw error;
    }
    await delay(TEMPLATE_POLL_MS);
  }
}

/** Fills a draft beside `directory` and renames it, so that the cluster appears whole. */
async function publish(directory: string, fill: (draft: string) => Promise<void>): Promise<void> {
  const draft = join(dirname(directory), `.${basename(directory)}-${randomUUID()}`);
  try {
    await fill(draft);
    // An empty directory may stand there already.
    if (existsSync(directory)) await rmdir(directory);
    await rename(draft, directory);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (error instanceof CoprocessorError) throw error;
    const isFull = (error as NodeJS.ErrnoException).code === "ENOSPC";
    throw new CoprocessorError(`cannot create a database in ${directory}: ${(error as Error).message}`, {
      code: isFull ? "store/no-space" : "store/unavailable",
      retry: "backoff",
      meta: { directory },
      cause: error,
    });
  }
}

async function makeCluster(draft: string): Promise<void> {
  const script = fileURLToPath(new URL("./initCluster.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, draft], { stdio: ["ignore", "ignore", "pipe"] });
  const stopChild = () => child.kill("SIGKILL");
  process.once("exit", stopChild);
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (status !== 0 || !isCluster(draft))
      throw new Error(`initdb failed with status ${status}: ${complaint}`);
  } finally {
    process.off("exit", stopChild);
  }
}
