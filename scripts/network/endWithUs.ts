import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

let watchdog: ChildProcess | null = null;

/**
 * Makes sure that a process ends when this one does, also when this one is killed.
 *
 * @param pid Negative for all processes of a group, as `process.kill` has it.
 * @returns to be called once the process is gone: its id may then belong to somebody else.
 */
export function endWithUs(pid: number): () => void {
  watchdog ??= startWatchdog();
  const { stdin } = watchdog;
  stdin?.write(`+${pid}\n`);
  return () => stdin?.write(`-${pid}\n`);
}

function startWatchdog(): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, "watchdog.mjs")], {
    // A session of its own: what ends our group must not end it before it has done its work.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  // Its pipe must not keep us alive, and a watchdog that somebody killed must not end us.
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  child.stdin?.on("error", () => {});
  return child;
}
