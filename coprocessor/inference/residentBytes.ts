import { readFileSync } from "node:fs";

/** Resident memory of processes, together; null where the system has no `/proc`. One that has just ended counts as nothing. */
export function residentBytesOf(pids: readonly number[]): number | null {
  if (process.platform !== "linux") return null;
  return pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
}

function residentBytes(pid: number): number {
  try {
    const [, kibibytes = "0"] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kibibytes) * 1_024;
  } catch {
    return 0;
  }
}
