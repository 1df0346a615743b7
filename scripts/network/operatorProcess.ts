import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { endWithUs } from "./endWithUs.ts";
import type { Teardown } from "./teardown.ts";
import { until } from "./until.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COMMAND = join(ROOT, "coprocessor", "bin", "sibyl.js");
const STOP_GRACE_MS = 20_000;
const TAIL_LINES = 15;

export interface OperatorProcessOptions {
  /** For messages: `operator 2`. */
  name: string;
  /** Its own folder; the log goes there, and it is the working directory. */
  folder: string;
  /** The node's environment variables; nothing but the path is inherited beside them. */
  env: Record<string, string>;
  teardown: Teardown;
  /** The command, `node` when not given, or all arguments for Node that start it. */
  command?: "node" | "watch" | readonly string[];
  /** Told its process id as soon as it has one. */
  onSpawn?: (pid: number) => void;
  /** Milliseconds until it must be ready; 120,000 when not given. */
  readyTimeoutMs?: number;
}

/** How a process ended: its exit status, or the signal that ended it. */
export type Exit = number | NodeJS.Signals;

/** A running `sibyl node`, as a process of its own. */
export interface OperatorProcess {
  pid: number;
  statusUrl: string;
  logFile: string;
  /** Null while it runs. */
  exit(): Exit | null;
  /** Asks it to end; after 20 s it is killed. Idempotent. */
  stop(): Promise<Exit>;
  /** Ends it at once, without letting it say goodbye. */
  kill(): Promise<Exit>;
}

/**
 * Starts an operator's node and waits until it says that it is ready, or stands by.
 *
 * @throws Error with the end of its log when it ends before, or is not ready in time.
 */
export async function startOperatorProcess(options: OperatorProcessOptions): Promise<OperatorProcess> {
  const { name, folder, teardown } = options;
  teardown.assertRunning();
  mkdirSync(folder, { recursive: true });
  const logFile = join(folder, "log.jsonl");
  // Straight to the file: what a node logs is then no work of this process, which may be measuring it.
  const log = openSync(logFile, "a");
  const { size: before } = fstatSync(log);
  const { command = "node" } = options;
  const child = spawn(process.execPath, typeof command === "string" ? [COMMAND, command] : [...command], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const exited = exitOf(child);
  let ended: Exit | null = null;
  void exited.then((exit) => {
    ended = exit;
  });
  const gone = child.pid === undefined ? () => {} : endWithUs(child.pid);
  void exited.then(gone);

  const stop = async (signal: NodeJS.Signals) => {
    if (ended === null) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    const exit = await exited;
    clearTimeout(timer);
    return exit;
  };
  const stopNow = teardown.add(name, () => stop("SIGTERM"));

  const failure = () =>
    ended === null ? null : crash(`${name} ended (${ended}) before it was ready`, logFile);
  let statusUrl: string | null = null;
  const ready = () => {
    statusUrl ??= statusUrlIn(readFileSync(logFile).subarray(before).toString("utf8"));
    return statusUrl === null ? null : isReady(statusUrl);
  };
  try {
    const url = await until(`${name} to be ready`, ready, {
      timeoutMs: options.readyTimeoutMs ?? 120_000,
      failure,
    });
    return {
      pid: child.pid as number,
      statusUrl: url,
      logFile,
      exit: () => ended,
      async stop() {
        await stopNow();
        return exited;
      },
      async kill() {
        const exit = await stop("SIGKILL");
        await stopNow();
        return exit;
      },
    };
  } catch (error) {
    await stopNow();
    throw ended === null || (error as Error).message.includes("ended (")
      ? error
      : crash((error as Error).message, logFile);
  }
}

/** The status address, from the line that the node logs once it listens. */
function statusUrlIn(log: string): string | null {
  for (const line of log.split("\n").filter((one) => one.includes('"statusUrl"')))
    try {
      const { statusUrl } = JSON.parse(line) as { statusUrl?: unknown };
      if (typeof statusUrl === "string") return statusUrl;
    } catch {
      // Not written to its end yet, or not the log's.
    }
  return null;
}

async function isReady(statusUrl: string): Promise<string> {
  const response = await fetch(`${statusUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
  if (response.ok) return statusUrl;
  const { reasons } = (await response.json()) as { reasons?: string[] };
  // One that stands by for another does what it is there for.
  if (reasons?.length === 1 && reasons[0]?.startsWith("node/standby")) return statusUrl;
  throw new Error(reasons?.join(", ") ?? `HTTP ${response.status}`);
}

function crash(message: string, logFile: string): Error {
  const tail = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n  ");
  return new Error(`${message}; the end of its log (${logFile}):\n  ${tail}`);
}

async function exitOf(child: ChildProcess): Promise<Exit> {
  const [status, signal] = (await once(child, "exit").catch(() => [127, null])) as [
    number | null,
    NodeJS.Signals | null,
  ];
  return status ?? signal ?? 1;
}
