import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { endWithUs } from "./endWithUs.ts";
import type { Teardown } from "./teardown.ts";
import { until } from "./until.ts";

const COMMAND = join(import.meta.dirname, "..", "..", "coprocessor", "bin", "sibyl.js");
const STARTED = "worker started";
const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;

export interface WorkerProcessOptions {
  /** For messages: `worker 2`. */
  name: string;
  /** Its own folder, which no other worker had; the log goes there, and it is the working directory. */
  folder: string;
  /** The worker's environment variables; nothing but the path is inherited beside them. */
  env: Record<string, string>;
  teardown: Teardown;
}

/** A running `sibyl worker`, as a process of its own. */
export interface WorkerProcess {
  pid: number;
  /** Null when its environment names no `STATUS_LISTEN`. */
  statusUrl: string | null;
  logFile: string;
  /** Ends it at once, without letting it say goodbye. */
  kill(): Promise<void>;
  /** Asks it to end; after 20 s it is killed. @returns its exit status, or null when a signal ended it. */
  stop(): Promise<number | null>;
}

/**
 * Starts a worker and waits until it takes jobs.
 *
 * @throws Error when it ends before, or does not within a minute.
 */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const { name, folder, teardown } = options;
  teardown.assertRunning();
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, "log.jsonl");
  // Straight to the file: what a worker logs is then no work of this process, which may be measuring it.
  const log = openSync(logFile, "w");
  const child = spawn(process.execPath, [COMMAND, "worker"], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const exited = once(child, "close").then(([status]) => status as number | null);
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  if (child.pid !== undefined) void exited.then(endWithUs(child.pid));
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    const status = await exited;
    clearTimeout(timer);
    return status;
  };
  teardown.add(name, async () => void (await end("SIGTERM")));
  const { statusUrl } = await until(`${name} to take jobs`, () => startedIn(logFile), {
    timeoutMs: READY_TIMEOUT_MS,
    everyMs: 50,
    failure: () =>
      ended ? new Error(`${name} ended (${child.exitCode ?? child.signalCode}) before it took jobs`) : null,
  });
  return {
    pid: child.pid as number,
    statusUrl,
    logFile,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
  };
}

/** What a worker says once it takes jobs; null as long as it has not. */
function startedIn(logFile: string): { statusUrl: string | null } | null {
  const lines = readFileSync(logFile, "utf8").split("\n");
  // The last one may not be whole yet.
  const line = lines.slice(0, -1).find((each) => each.includes(STARTED));
  return line === undefined ? null : (JSON.parse(line) as { statusUrl: string | null });
}
