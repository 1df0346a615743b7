import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { RequestExplanation } from "@sibyl/coprocessor";
import { endWithUs } from "../network/endWithUs.ts";

const COMMAND = join(import.meta.dirname, "..", "..", "coprocessor", "bin", "sibyl.js");
const PRELOADS = ["skewedClock.mjs", "fullDisk.mjs"].map(
  (name) => pathToFileURL(join(import.meta.dirname, "preload", name)).href,
);
/** Milliseconds until a node that ended by itself is started again, as a service manager does. */
const RESTART_MS = 1_000;
const STOP_GRACE_MS = 20_000;
const ASK_TIMEOUT_MS = 3_000;

export interface ChaosNodeOptions {
  name: string;
  operatorId: number;
  folder: string;
  env: Record<string, string>;
}

/**
 * One operator's `sibyl node` under a supervisor: what ends is started again, unless it is meant to be down.
 *
 * Unlike `startOperatorProcess` nothing waits until it is ready, so that it can be hit while it starts.
 */
export class ChaosNode {
  readonly name: string;
  readonly operatorId: number;
  /** How often it was started, and how often it ended although nobody asked it to, with what it said. */
  starts = 0;
  readonly crashes: string[] = [];
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #statusUrl: string | null = null;
  #wanted = false;
  #skewMs = 0;
  readonly #options: ChaosNodeOptions;
  readonly #diskFullFile: string;

  constructor(options: ChaosNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.operatorId = options.operatorId;
    mkdirSync(options.folder, { recursive: true });
    this.#diskFullFile = join(options.folder, "disk-full");
  }

  get logFile(): string {
    return join(this.#options.folder, "log.jsonl");
  }

  start(): void {
    this.#wanted = true;
    if (this.#child === null) this.#spawn();
  }

  /** kill -9; stays down until `start`. */
  async kill(): Promise<void> {
    this.#wanted = false;
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** SIGTERM; kill -9 when it takes longer than 20 s. Stays down until `start`. */
  async terminate(): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (child === null) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** kill -9 of the processes that run its models. */
  killWorkers(): number {
    const parent = this.#child?.pid;
    if (parent === undefined) return 0;
    const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" });
    const workers = table.split("\n").flatMap((line) => {
      const [pid, ppid, ...args] = line.trim().split(/\s+/);
      return Number(ppid) === parent && args.join(" ").includes("inferenceProcess") ? [Number(pid)] : [];
    });
    for (const pid of workers) process.kill(pid, "SIGKILL");
    return workers.length;
  }

  /** Only while it is down. */
  wipeDataDirectory(): void {
    if (this.#child !== null) throw new Error(`${this.name} runs; its database is in use`);
    rmSync(join(this.#options.folder, "data"), { recursive: true, force: true });
  }

  /** Takes effect with its next start. */
  skewClock(skewMs: number): void {
    this.#skewMs = skewMs;
  }

  get isSkewed(): boolean {
    return this.#skewMs !== 0;
  }

  fillDisk(full: boolean): void {
    if (full) writeFileSync(this.#diskFullFile, "");
    else rmSync(this.#diskFullFile, { force: true });
  }

  /** Null when the node knows no such request. */
  async explain(requestId: string): Promise<RequestExplanation | null> {
    const response = await this.#ask(`/requests/${requestId}`);
    return response.status === 404 ? null : ((await response.json()) as RequestExplanation);
  }

  async isReady(): Promise<boolean> {
    try {
      return (await this.#ask("/readyz")).ok;
    } catch {
      return false;
    }
  }

  async peers(): Promise<number> {
    const status = (await (await this.#ask("/status")).json()) as { peers: number };
    return status.peers;
  }

  async #ask(path: string): Promise<Response> {
    if (this.#statusUrl === null) throw new Error(`${this.name} does not run`);
    return fetch(this.#statusUrl + path, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
  }

  #spawn(): void {
    const { env, folder } = this.#options;
    const log = createWriteStream(this.logFile, { flags: "a" });
    const child = spawn(process.execPath, [COMMAND, "node"], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_OPTIONS: PRELOADS.map((url) => `--import ${url}`).join(" "),
        CHAOS_SKEW_MS: String(this.#skewMs),
        CHAOS_DISK_FULL_FILE: this.#diskFullFile,
        DATA_DIR: join(folder, "data"),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.starts += 1;
    this.#child = child;
    const gone = child.pid === undefined ? () => {} : endWithUs(child.pid);
    let lastWords = "";
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      this.#statusUrl = statusUrlIn(line) ?? this.#statusUrl;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-500);
      log.write(chunk);
    });
    this.#ended = once(child, "close").then(
      async ([status, signal]) => {
        gone();
        log.end();
        this.#child = null;
        this.#statusUrl = null;
        if (!this.#wanted) return;
        this.crashes.push(`${status ?? signal}: ${lastWords.trim().split("\n").at(-1) ?? ""}`);
        await delay(RESTART_MS);
        if (this.#wanted && this.#child === null) this.#spawn();
      },
      () => undefined,
    );
  }
}

function statusUrlIn(line: string): string | null {
  try {
    const { statusUrl } = JSON.parse(line) as { statusUrl?: unknown };
    return typeof statusUrl === "string" ? statusUrl : null;
  } catch {
    return null;
  }
}
