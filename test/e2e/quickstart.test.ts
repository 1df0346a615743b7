import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../../scripts/network/until.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const RUN = join(ROOT, "scripts", "tasks", "run.mjs");
/** A whole run on two busy cores. */
const RUN_TIMEOUT_MS = 200_000;

interface Run {
  child: ChildProcess;
  lines: string[];
  errors: string[];
  ended: Promise<number>;
}

function start(...args: string[]): Run {
  const child = spawn(process.execPath, [RUN, ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGTERM"));
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
  const ended = once(child, "close").then(([status]) => (status as number | null) ?? -1);
  return { child, lines, errors, ended };
}

test(
  "quickstart: --once --json ends with 0 and says that everything was settled by a quorum",
  async () => {
    const { ended, lines, errors } = start("quickstart", "--once", "--json", "--messages", "2");
    expect(await ended, errors.join("\n")).toBe(0);
    expect(lines).toHaveLength(1);
    const summary = JSON.parse(lines[0] ?? "");
    expect(summary).toMatchObject({ requests: 2, settled: 2, callbacks: 2, attestationsMin: 3, expired: 0 });
    expect(summary.requestToCallbackMsP50).toBeGreaterThan(0);
    expect(summary.correct).toBeLessThanOrEqual(2);
  },
  RUN_TIMEOUT_MS,
);

test("quickstart: arguments that make no sense end with 2 and the usage", async () => {
  const { ended, errors } = start("quickstart", "--quorum", "4");
  expect(await ended).toBe(2);
  expect(errors[0]).toBe("--quorum is a whole number from 1 to 3, not 4");
});

// That it goes on, answers `npm run ask` and ends with Ctrl-C: docs.test.ts, with the README's own commands.

test(
  "quickstart: a killed quickstart takes its processes along",
  async () => {
    const { child, lines } = start("quickstart", "--messages", "1");
    const main = await until(
      "operators to run",
      () => {
        const all = descendants(child.pid as number);
        return lines.some((line) => line.includes("sending")) ? all : null;
      },
      { timeoutMs: RUN_TIMEOUT_MS },
    );
    const node = main.find((pid) => commandOf(pid).includes("sibyl.js node"));
    // Killed, it cannot remove its folder.
    const folder = dirname(readlinkSync(`/proc/${node}/cwd`));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const quickstart = main.find((pid) => commandOf(pid).includes("quickstart/main.ts"));
    process.kill(quickstart as number, "SIGKILL");
    await until("all its processes to be gone", () => (main.some(isRunning) ? null : true), {
      timeoutMs: 20_000,
    });
  },
  RUN_TIMEOUT_MS,
);

/** Process ids of all that descends from a process, from Linux's /proc. */
function descendants(pid: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function parentOf(pid: number): number {
  try {
    // "pid (name) state ppid …"; the name may hold anything, so what counts comes after its last bracket.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  } catch {
    return -1;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.startsWith("Z") === false;
  } catch {
    return false;
  }
}
