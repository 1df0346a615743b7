import { readFileSync } from "node:fs";

export interface LogLine {
  /** Unix milliseconds. */
  time: number;
  msg: string;
}

/** The JSON lines of a node's log. */
export function readLog(file: string): LogLine[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as LogLine];
      } catch {
        return [];
      }
    });
}

const EVERY_MS = 50;

/** Follows a process's resident memory, bytes. */
export interface MemoryWatch {
  watch(pid: number): void;
  now(): number;
  peak(): number;
  stop(): void;
}

/** Linux only: reads `/proc`. */
export function watchMemory(): MemoryWatch {
  let pid: number | null = null;
  let peak = 0;
  let last = 0;
  const timer = setInterval(() => {
    if (pid === null) return;
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      last = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
      peak = Math.max(peak, last);
    } catch {
      // The process is gone.
      pid = null;
    }
  }, EVERY_MS);
  timer.unref();
  return {
    watch: (started) => {
      pid = started;
    },
    now: () => last,
    peak: () => peak,
    stop: () => clearInterval(timer),
  };
}
