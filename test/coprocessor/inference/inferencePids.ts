import { execFileSync } from "node:child_process";

/** Process ids of the inference processes that a process has started; those that are gone but not reaped left out. */
export function inferencePids(parent: number = process.pid): number[] {
  let listed: string;
  try {
    listed = execFileSync("ps", ["-o", "pid=,stat=,args=", "--ppid", String(parent)], { encoding: "utf8" });
  } catch {
    return []; // ps fails when the parent has no children
  }
  return listed
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match?.[3]?.includes("inferenceProcess.ts") && !match[2]?.startsWith("Z") ? [Number(match[1])] : [],
    );
}

/** Whether a process runs; one that only waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return stat !== "" && !stat.startsWith("Z");
  } catch {
    return false;
  }
}
