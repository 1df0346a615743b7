import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endWithUs } from "./endWithUs.ts";
import type { Teardown } from "./teardown.ts";

const COMMAND = join(import.meta.dirname, "..", "..", "coprocessor", "bin", "sibyl.js");
const STARTED = "worker started";
const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;

export interface WorkerProcessOptions {
  /** For messages: `worker 2`. */
  name: string;
  /** Its own folder; the log goes there, and it is the working directory. */
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
  const log = createWriteStream(join(folder, "log.jsonl"), { flags: "a" });
  const child = spawn(process.execPath, [COMMAND, "worker"], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "close").then(([status]) => status as number | null);
  if (child.pid !== undefined) void exited.then(endWithUs(child.pid));
  const started = new Promise<string | null>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      if (line.includes(STARTED)) resolve((JSON.parse(line) as { statusUrl: string | null }).statusUrl);
    });
    child.stderr.on("data", (chunk: Buffer) => log.write(chunk));
    void exited.then((status) => reject(new Error(`${name} ended (${status}) before it took jobs`)));
    setTimeout(
      () => reject(new Error(`${name} took no jobs in ${READY_TIMEOUT_MS} ms`)),
      READY_TIMEOUT_MS,
    ).unref();
  });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    const status = await exited;
    clearTimeout(timer);
    log.end();
    return status;
  };
  teardown.add(name, async () => void (await end("SIGTERM")));
  const statusUrl = await started;
  return {
    pid: child.pid as number,
    statusUrl,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
  };
}
