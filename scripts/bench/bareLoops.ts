import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BareJob, BareSlice } from "./bareLoop.ts";

/** Processes that run a graph and nothing else. */
export interface BareLoops {
  /** Items per second of all of them together. */
  measure(slice: BareSlice): Promise<number>;
  close(): void;
}

/** @throws Error when one of them cannot load the graph. */
export async function openBareLoops(job: BareJob, processes: number): Promise<BareLoops> {
  const loops = Array.from({ length: processes }, () => startLoop(job));
  await Promise.all(loops.map(({ ready }) => ready));
  return {
    async measure(slice) {
      const each = await Promise.all(loops.map((loop) => loop.measure(slice)));
      return each.reduce((sum, one) => sum + one, 0);
    },
    close: () => {
      for (const loop of loops) loop.close();
    },
  };
}

function startLoop(job: BareJob) {
  const child = spawn(process.execPath, ["--import", "tsx", join(import.meta.dirname, "bareLoop.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the bare loop of ${job.path} ended before its time`);
    return value;
  };
  child.stdin.write(`${JSON.stringify(job)}\n`);
  return {
    ready: next(),
    measure(slice: BareSlice): Promise<number> {
      child.stdin.write(`${JSON.stringify(slice)}\n`);
      return next().then(Number);
    },
    close: () => child.stdin.end(),
  };
}
