import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endWithUs } from "../network/endWithUs.ts";
import { freePort } from "../network/reservePort.ts";
import { ensureDebianProgram, type Installation } from "./debianPackage.ts";

const HOST = "127.0.0.1";
const START_TIMEOUT_MS = 15_000;
const STOP_GRACE_MS = 5_000;
const ATTEMPTS = 5;

/** A Redis of one's own on the loopback interface; empty, and gone without trace once stopped. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly pid: number;
  /** Ends the process without letting it say goodbye, to test what clients do then. */
  kill(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Finds redis-server, or installs Debian's package when we are root. Where neither is possible the caller skips, naming
 * the reason; the test runner counts a skip as a failure under `CI=true`.
 */
export function ensureRedis(): Promise<Installation> {
  return ensureDebianProgram("redis-server", "redis-server");
}

export interface RedisOptions {
  /** What `ensureRedis` found. */
  path: string;
  /** Default: any free one. Give one to restart a killed server where its clients look for it. */
  port?: number;
  /** Beside our own, or instead of them. */
  settings?: Record<string, string>;
  /** Lines of a configuration file that the server may rewrite; with it, it runs as a sentinel. */
  sentinel?: string[];
}

/**
 * Starts a private instance on a free port, and waits until it answers.
 *
 * Set up as BullMQ asks (`noeviction`), and without persistence.
 *
 * @throws Error when it does not answer within 15 s; the message carries its log.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    try {
      return await startOn(options, port);
    } catch (error) {
      // Between finding the port free and listening on it, another process may have taken it.
      const taken = error instanceof Error && error.message.includes("Address already in use");
      if (!taken || options.port !== undefined || attempt === ATTEMPTS) throw error;
    }
  }
}

async function startOn(options: RedisOptions, port: number): Promise<RedisServer> {
  const { path } = options;
  const folder = mkdtempSync(join(tmpdir(), "sibyl-redis-"));
  const file = join(folder, "sentinel.conf");
  if (options.sentinel !== undefined) writeFileSync(file, `${options.sentinel.join("\n")}\n`);
  const role = options.sentinel === undefined ? [] : [file, "--sentinel"];
  const child = spawn(path, [...role, ...settings(port, folder, options)], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4_000);
    });
  }
  const exited = once(child, "close").catch(() => {});
  if (child.pid !== undefined) void exited.then(endWithUs(child.pid));
  // A test process that ends without stopping its server must not leave it behind.
  const killAtExit = () => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const end = async (signal: NodeJS.Signals) => {
    if (isRunning(child)) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    await exited;
    clearTimeout(timer);
    process.off("exit", killAtExit);
    rmSync(folder, { recursive: true, force: true });
  };

  const deadline = Date.now() + START_TIMEOUT_MS;
  let failure: Error | null = null;
  child.once("error", (error) => {
    failure = error;
  });
  while ((await processIdOf(port)) !== child.pid) {
    if (failure !== null || !isRunning(child) || Date.now() > deadline) {
      await end("SIGKILL");
      throw new Error(`redis-server (${path}) did not start on port ${port}: ${failure ?? log.trim()}`);
    }
    await delay(20);
  }
  const { pid } = child;
  if (pid === undefined) throw new Error("redis-server answers but has no process id");
  return {
    port,
    pid,
    url: `redis://${HOST}:${port}`,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    [Symbol.asyncDispose]: () => end("SIGTERM"),
  };
}

function settings(port: number, folder: string, options: RedisOptions): string[] {
  const memory = { appendonly: "no", save: "", "maxmemory-policy": "noeviction" };
  const values: Record<string, string> = {
    port: String(port),
    bind: HOST,
    dir: folder,
    daemonize: "no",
    ...(options.sentinel === undefined ? memory : {}),
    ...options.settings,
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Who answers on the port: a foreign Redis there must not be taken for ours. Undefined when nobody does. */
function processIdOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    let reply = "";
    const socket = connect({ host: HOST, port }, () => socket.write("INFO server\r\n"));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (chunk) => {
      reply += chunk.toString();
      if (/process_id:\d+\r\n/.test(reply)) socket.end();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      const id = /process_id:(\d+)\r\n/.exec(reply)?.[1];
      resolve(id === undefined ? undefined : Number(id));
    });
  });
}
