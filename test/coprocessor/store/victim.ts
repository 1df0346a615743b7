import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { until } from "../queue/fixtures.ts";

/** A process that a test kills, and the lines of JSON that it has said. */
export interface Victim<Line> {
  readonly pid: number;
  readonly said: Line[];
  /** Waits until it has said a line that `wanted` likes. */
  hears(what: string, wanted: (line: Line) => boolean): Promise<Line>;
  /** kill -9; resolves when the process is gone and all that it said was read. */
  kill(): Promise<void>;
}

export function startVictim<Line>(script: string, args: readonly string[]): Victim<Line> {
  const child: ChildProcess = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const killAtExit = () => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const said: Line[] = [];
  if (child.stdout === null || child.pid === undefined) throw new Error(`${script} did not start`);
  createInterface(child.stdout).on("line", (line) => said.push(JSON.parse(line) as Line));
  const closed = once(child, "close");
  return {
    pid: child.pid,
    said,
    hears: (what, wanted) => until(what, () => said.find(wanted) ?? null, 30_000),
    async kill() {
      child.kill("SIGKILL");
      await closed;
      process.off("exit", killAtExit);
    },
  };
}
