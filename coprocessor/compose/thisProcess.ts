import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { ProcessIdentity } from "../core/processIdentity.ts";

export const thisProcess = (): ProcessIdentity => ({
  host: hostname(),
  pid: process.pid,
  startTicks: startTicks(process.pid),
});

/** Whether a process of this host is gone; false for one of another host, which cannot be asked. */
export function isGone({ host, pid, startTicks: ticks }: ProcessIdentity): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
  }
  const now = startTicks(pid);
  return ticks !== null && now !== null && ticks !== now;
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
