import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { endWithUs } from "../network/endWithUs.ts";
import { freePort } from "../network/reservePort.ts";
import { ensureDebianProgram, type Installation } from "./debianPackage.ts";

const run = promisify(execFile);
const HOST = "127.0.0.1";
const START_TIMEOUT_MS = 20_000;
const STOP_GRACE_MS = 5_000;
const ATTEMPTS = 5;
const USER = "sibyl";
const PASSWORD = "sibyl-test";

/** A PostgreSQL server of one's own on the loopback interface; empty, and gone without trace once stopped. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** `postgres://sibyl:sibyl-test@127.0.0.1:<port>/postgres` */
  readonly url: string;
  readonly pid: number;
  /** Ends the server at once, cutting its clients off. The cluster stays; `startAgain` recovers it. */
  kill(): Promise<void>;
  /** Starts a killed server on the same port. */
  startAgain(): Promise<void>;
  /** Drops a schema with all that is in it, as an operator does who lost or confused a database. */
  dropSchema(name: string): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Finds PostgreSQL's server programs, or installs Debian's package when we are root. Where neither is possible the
 * caller skips, naming the reason; the test runner counts a skip as a failure under `CI=true`.
 *
 * @returns The folder that holds `initdb` and `postgres`.
 */
export async function ensurePostgres(): Promise<Installation> {
  const found = programs();
  if (found !== null) return { path: found };
  const installed = await ensureDebianProgram("pg_ctlcluster", "postgresql");
  if ("unavailable" in installed) return installed;
  const path = programs();
  return path === null ? { unavailable: "package postgresql has no server programs" } : { path };
}

/** Debian keeps each version in a folder of its own, outside the path; the newest counts. */
function programs(): string | null {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return null;
  const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  const folders = versions.map((version) => join(root, version, "bin"));
  return folders.find((bin) => existsSync(join(bin, "postgres")) && existsSync(join(bin, "initdb"))) ?? null;
}

/**
 * Makes a cluster in a temporary folder, starts it on a free port, and waits until it answers.
 *
 * Postgres refuses to run as root, so root hands it to the user `postgres`, or to `nobody`.
 *
 * @param options.path What `ensurePostgres` found.
 * @throws Error when it does not answer within 20 s; the message carries its log.
 */
export async function startPostgres(options: { path: string }): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "sibyl-postgres-"));
  try {
    const owner = serverUser();
    if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
    const data = join(folder, "data");
    const flags = ["--pgdata", data, "--username", USER, "--auth", "scram-sha-256", "--pwfile", passwordFile];
    const unhurried = ["--no-sync", "--encoding", "UTF8", "--locale", "C"];
    await run(join(options.path, "initdb"), [...flags, ...unhurried], { ...owner, cwd: folder });
    for (let attempt = 1; ; attempt += 1) {
      const cluster = {
        program: join(options.path, "postgres"),
        data,
        folder,
        owner,
        port: await freePort(),
      };
      try {
        return serverOf(cluster, await startOn(cluster));
      } catch (error) {
        // Between finding the port free and listening on it, another process may have taken it.
        const taken = error instanceof Error && error.message.includes("Address already in use");
        if (!taken || attempt === ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Cluster {
  program: string;
  data: string;
  folder: string;
  owner: { uid?: number; gid?: number };
  port: number;
}

/** A process of the server's, and how to end it. */
interface Running {
  pid: number;
  end(signal: NodeJS.Signals): Promise<void>;
}

const urlOf = ({ port }: Cluster): string => `postgres://${USER}:${PASSWORD}@${HOST}:${port}/postgres`;

function serverOf(cluster: Cluster, first: Running): PostgresServer {
  let running: Running | null = first;
  const end = async (signal: NodeJS.Signals) => {
    await running?.end(signal);
    running = null;
  };
  const stop = async () => {
    // A fast shutdown: clients are cut off, nothing is waited for.
    await end("SIGINT");
    rmSync(cluster.folder, { recursive: true, force: true });
  };
  return {
    port: cluster.port,
    url: urlOf(cluster),
    get pid() {
      if (running === null) throw new Error("the server is not running");
      return running.pid;
    },
    // SIGQUIT is Postgres' crash: no goodbye, no checkpoint, recovery at the next start. SIGKILL would orphan its
    // children, which keep the shared memory and so refuse that start.
    kill: () => end("SIGQUIT"),
    async startAgain() {
      running ??= await startOn(cluster);
    },
    async dropSchema(name) {
      const client = new pg.Client({ connectionString: urlOf(cluster) });
      await client.connect();
      try {
        await client.query(`drop schema if exists ${client.escapeIdentifier(name)} cascade`);
      } finally {
        await client.end();
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startOn(cluster: Cluster): Promise<Running> {
  const settings = {
    listen_addresses: HOST,
    port: String(cluster.port),
    unix_socket_directories: "",
    fsync: "off",
    max_connections: "50",
    shared_buffers: "32MB",
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(cluster.program, ["-D", cluster.data, ...flags], {
    ...cluster.owner,
    cwd: cluster.folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4_000);
    });
  }
  let failure: Error | null = null;
  child.once("error", (error) => {
    failure = error;
  });
  const exited = once(child, "close").catch(() => {});
  if (child.pid !== undefined) void exited.then(endWithUs(child.pid));
  // A test process that ends without stopping its server must not leave it behind.
  const killAtExit = () => void child.kill("SIGQUIT");
  process.once("exit", killAtExit);
  const end = async (signal: NodeJS.Signals) => {
    if (isRunning(child)) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_GRACE_MS);
    await exited;
    clearTimeout(timer);
    process.off("exit", killAtExit);
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answers(cluster))) {
    if (failure !== null || !isRunning(child) || Date.now() > deadline) {
      await end("SIGQUIT");
      throw new Error(`postgres did not start on port ${cluster.port}: ${failure ?? log.trim()}`);
    }
    await delay(50);
  }
  const { pid } = child;
  if (pid === undefined) throw new Error("postgres answers but has no process id");
  return { pid, end };
}

/** True when our own cluster answers: a foreign server on the port must not be taken for it. */
async function answers(cluster: Cluster): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(cluster), connectionTimeoutMillis: 1_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query("show data_directory");
    return rows[0]?.data_directory === cluster.data;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error("postgres does not run as root, and there is no user to run it as");
}

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;
