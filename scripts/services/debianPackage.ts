import { execFile } from "node:child_process";
import { accessSync, constants, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { withLock } from "../tasks/withLock.mjs";

const run = promisify(execFile);
const APT_TIMEOUT_MS = 150_000;
const POLICY = "/usr/sbin/policy-rc.d";
const LOCK = join(import.meta.dirname, "..", "..", ".cache", "apt.lock");

/** A program's place on this machine, or why it is not there and could not be put there. */
export type Installation = { path: string } | { unavailable: string };

/**
 * Finds a program on the path, or installs the Debian package that has it. Installs only as root, without recommended
 * packages, and without letting the package start a system service.
 *
 * @param program File name of the program, for example `redis-server`.
 * @param packageName Debian's name of the package.
 */
export async function ensureDebianProgram(program: string, packageName: string): Promise<Installation> {
  const found = onPath(program);
  if (found !== null) return { path: found };
  if (process.getuid?.() !== 0) {
    return { unavailable: `${program} is not installed, and only root can install package ${packageName}` };
  }
  if (onPath("apt-get") === null) {
    return { unavailable: `${program} is not installed, and there is no apt-get to install ${packageName}` };
  }
  // Several test processes may want the same service at once; apt itself fails rather than waits for some of its locks.
  return withLock(LOCK, { onWait: () => {} }, async () => {
    if (onPath(program) === null) {
      const failure = await install(packageName);
      if (failure !== null) return { unavailable: failure };
    }
    const path = onPath(program);
    return path === null ? { unavailable: `package ${packageName} has no ${program}` } : { path };
  });
}

/** Null when it worked. */
async function install(packageName: string): Promise<string | null> {
  const removePolicy = forbidServiceStarts();
  try {
    if (!hasPackageLists()) await apt(["update"]);
    const flags = ["install", "--yes", "--no-install-recommends", packageName];
    await apt(flags).catch(async () => {
      // Old lists name versions that the mirror has dropped.
      await apt(["update"]);
      await apt(flags);
    });
    return null;
  } catch (error) {
    return `package ${packageName} could not be installed: ${lastLine(error)}`;
  } finally {
    removePolicy();
  }
}

async function apt(args: string[]): Promise<void> {
  await run("apt-get", ["-o", "DPkg::Lock::Timeout=60", "--quiet", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    timeout: APT_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Debian's packages start their service unless this file says no; one that is there already has its owner's answer. */
function forbidServiceStarts(): () => void {
  try {
    writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755, flag: "wx" });
    return () => rmSync(POLICY, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return () => {};
  }
}

function hasPackageLists(): boolean {
  try {
    return readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));
  } catch {
    return false;
  }
}

function onPath(program: string): string | null {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/bin"];
  for (const folder of folders) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr?.trim() || message).split("\n").at(-1) ?? message;
}
