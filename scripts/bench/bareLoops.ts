import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Hex } from "viem";
import type { BareAnswers, BareJob, BareSlice } from "./bareLoop.ts";

/** Processes that run a graph, and what is written by hand around it. */
export interface BareLoops {
  /** Items per second of all of them together. */
  measure(slice: BareSlice): Promise<number>;
  /** What one of them answers to each input, when it takes so many at a time. */
  answers(batch: number): Promise<Hex[]>;
  close(): void;
}

/** @throws Error when one of them cannot load the graph. */
export async function openBareLoops(job: BareJob, processes: number): Promise<BareLoops> {
  const loops = Array.from({ length: processes }, () => startLoop(job));
  await Promise.all(loops.map(({ ready }) => ready));
  return {
    async measure(slice) {
      const each = await Promise.all(loops.map((loop) => loop.ask(slice)));
      return each.reduce((sum, one) => sum + Number(one), 0);
    },
    answers: async (batch) => JSON.parse((await loops[0]?.ask({ work: "answers", batch })) ?? "[]"),
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
    if (done) throw new Error(`the bare loop of ${job.folder} ended before its time`);
    return value;
  };
  child.stdin.write(`${JSON.stringify(job)}\n`);
  return {
    ready: next(),
    ask(command: BareSlice | BareAnswers): Promise<string> {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return next();
    },
    close: () => child.stdin.end(),
  };
}
