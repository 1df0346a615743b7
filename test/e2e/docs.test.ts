import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { operatorAttester, operatorOwner, privateKeyOf } from "../../scripts/network/devAccounts.ts";
import { endWithUs } from "../../scripts/network/endWithUs.ts";
import { reservePort } from "../../scripts/network/reservePort.ts";
import { until } from "../../scripts/network/until.ts";
import { ROOT, TREATMENTS } from "../docs/documentedCommands.ts";

/**
 * Runs the commands of the documentation as they stand there, against the network that the README's first command
 * starts. Only placeholders are filled in, and addresses that a machine which runs other things may have in use.
 */

const NETWORK_TIMEOUT_MS = 230_000;
const COMMAND_TIMEOUT_MS = 120_000;
/** A place that no operator of the quickstart has. */
const NEWCOMER = 7;

interface NetworkFile {
  rpcUrl: string;
  oracle: string;
  modelId: string;
  board: string;
  privateKey: string;
  operators: { operatorId: number; statusUrl: string }[];
}

/** Where a reader of docs/operate.md would be: a folder with the clone's parts that its commands name. */
const folder = mkdtempSync(join(tmpdir(), "sibyl-docs-"));
const ran = new Set<string>();
const running: ChildProcess[] = [];
let quickstart: ReturnType<typeof start>;
let network: NetworkFile;

beforeAll(async () => {
  for (const name of ["coprocessor", "models"]) symlinkSync(join(ROOT, name), join(folder, name));
  const since = Date.now();
  quickstart = start("npm run quickstart", { cwd: ROOT });
  await until("the quickstart to keep running", () => (quickstart.text().includes("Ctrl-C") ? true : null), {
    timeoutMs: NETWORK_TIMEOUT_MS,
    failure: () => (quickstart.ended() ? new Error(`it ended: ${quickstart.text()}`) : null),
  });
  network = networkFileSince(since);
}, NETWORK_TIMEOUT_MS + 10_000);

afterAll(async () => {
  for (const child of running) killGroup(child, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("README.md: the quickstart's messages are answered, and a message of one's own", async () => {
  // First, because they say why.
  expect(quickstart.text().match(/^(#\d+ expired|Why nobody answered).*$/gm)).toBeNull();
  expect(quickstart.text()).toMatch(/12 of 12/);
  const answer = await run('npm run ask -- "Free money, click here"', { cwd: ROOT });
  expect(answer).toMatch(/posted {3}request 0x[0-9a-f]{64}[\s\S]*judged {3}held/);
  const status = /http:\S+\/status/.exec(quickstart.text())?.[0] ?? "";
  expect(((await (await fetch(status)).json()) as { operatorId: number }).operatorId).toBeGreaterThan(0);
});

test("examples/message-board: the same on a network that is named", async () => {
  const values = { RPC_URL: network.rpcUrl, BOARD_ADDRESS: network.board, PRIVATE_KEY: network.privateKey };
  const answer = await run('RPC_URL=… BOARD_ADDRESS=… PRIVATE_KEY=… npm run ask -- "…"', {
    cwd: ROOT,
    values: { ...values, text: "The patch for the kernel module is attached, please review it." },
  });
  expect(answer).toMatch(/judged {3}published/);
});

test("docs/operate.md: is it well? status, receipts, and a receipt that verifies", async () => {
  const url = network.operators[0]?.statusUrl ?? "";
  const command = (rest: string) => `node coprocessor/bin/sibyl.js ${rest}`;
  const status = JSON.parse(await run(command("status"), { url }));
  expect(status.operatorId).toBe(network.operators[0]?.operatorId);
  const receipts = JSON.parse(await run(command("receipts"), { url }));
  const { requestId } = (receipts.receipts ?? receipts)[0];
  expect(requestId).toMatch(/^0x[0-9a-f]{64}$/);
  const values = { requestId };
  expect(JSON.parse(await run(command("status 0x<requestId>"), { url, values })).state).toBeDefined();
  await run(command("receipts 0x<requestId> > receipt.json"), { url, values });
  expect(await run(command("verify receipt.json"))).toContain(requestId);
});

test("docs/operate.md: a key in a file", async () => {
  writeFileSync(join(folder, "password.txt"), "a password\n");
  const command = "node coprocessor/bin/sibyl.js key";
  const made = await run(`ATTESTER_PASSWORD_FILE=password.txt ${command} create attester.json`);
  const shown = await run(
    `ATTESTER_KEYSTORE=attester.json ATTESTER_PASSWORD_FILE=password.txt ${command} address`,
  );
  expect(made).toContain(shown.trim());
});

test("docs/operate.md: a model's graph and its answers can be looked at", async () => {
  const lint = JSON.parse(await run("node coprocessor/bin/sibyl.js model lint models/iris"));
  expect(lint.findings).toEqual([]);
  expect(await run("node coprocessor/bin/sibyl.js model calibrate models/iris")).toContain("iris");
});

test("docs/operate.md: three commands make an operator", async () => {
  const values = {
    RPC_URL: network.rpcUrl,
    ORACLE_ADDRESS: network.oracle,
    ATTESTER_KEY: privateKeyOf(operatorAttester(NEWCOMER)),
    OWNER_KEY: privateKeyOf(operatorOwner(NEWCOMER)),
    modelId: network.modelId,
  };
  const exported = filled("export RPC_URL=https://… ORACLE_ADDRESS=0x… ATTESTER_KEY=0x…", values);
  const sibyl = "node coprocessor/bin/sibyl.js";
  const registered = await run(
    `OWNER_KEY=0x… ${sibyl} register --stake 1 --endpoint /ip4/203.0.113.7/tcp/4001 --fund 0.1`,
    { values, before: exported },
  );
  const operatorId = Number(/operator (\d+): attester 0x\w+, 0\.1 coins/.exec(registered)?.[1]);
  expect(operatorId).toBe(network.operators.length + 1);
  expect(await run(`OWNER_KEY=0x… ${sibyl} enroll 0x<modelId>`, { values, before: exported })).toContain(
    `enrolled for ${network.modelId}`,
  );

  const [p2p, status] = [await reservePort(), await reservePort()];
  await Promise.all([p2p.release(), status.release()]);
  const node = start(`${sibyl} node`, {
    before: exported,
    env: { P2P_LISTEN: `127.0.0.1:${p2p.port}`, STATUS_LISTEN: `127.0.0.1:${status.port}` },
  });
  const ready = await until(
    "the node to be ready",
    async () => {
      const response = await fetch(`http://127.0.0.1:${status.port}/readyz`);
      if (!response.ok) return null;
      return (await (await fetch(`http://127.0.0.1:${status.port}/status`)).json()) as { operatorId: number };
    },
    {
      timeoutMs: COMMAND_TIMEOUT_MS,
      failure: () => (node.ended() ? new Error(`it ended: ${node.text()}`) : null),
    },
  );
  expect(ready.operatorId).toBe(operatorId);
  expect(await node.interrupt()).toBe(0);
});

test("README.md: Ctrl-C ends the quickstart and all that it started", async () => {
  await quickstart.interrupt();
  await until("its processes to be gone", () => (groupLives(quickstart.child) ? null : true), {
    timeoutMs: 20_000,
  });
});

test("documented: nothing that is said to run here was left out", () => {
  const here = Object.entries(TREATMENTS).filter(([, treatment]) => "here" in treatment);
  expect([...ran].sort()).toEqual(here.map(([command]) => command).sort());
});

interface RunOptions {
  /** The folder above unless said otherwise. */
  cwd?: string;
  /** For the placeholders: `RPC_URL=…`, `0x<modelId>`, `"…"` (which is `text`). */
  values?: Record<string, string>;
  /** A line that the page has before. */
  before?: string;
  env?: Record<string, string>;
  /** The node to ask, which in the page is at its default address. */
  url?: string;
}

/** Runs a documented command to its end, which must be a good one. @returns what it prints. */
async function run(command: string, options: RunOptions = {}): Promise<string> {
  const started = start(command, options);
  const status = await started.end();
  expect(status, `${command}\n${started.text()}`).toBe(0);
  return started.output();
}

/** Starts a documented command in a shell and a process group of its own, as a terminal would. */
function start(command: string, { cwd = folder, values = {}, before, env, url }: RunOptions = {}) {
  const asked = filled(command, values);
  const line = url === undefined ? asked : asked.replace(/sibyl\.js (\w+)/, `$& --url ${url}`);
  // In the shell's place, so that its exit status is the command's own, also when a signal ends it.
  const last = /^\w+=/.test(line) ? line : `exec ${line}`;
  const child = spawn("sh", ["-ec", before === undefined ? last : `${before}\n${last}`], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.push(child);
  const [output, all]: [string[], string[]] = [[], []];
  createInterface({ input: child.stdout }).on("line", (text) => {
    output.push(text);
    all.push(text);
  });
  createInterface({ input: child.stderr }).on("line", (text) => all.push(text));
  const closed = once(child, "close").then(([status]) => status as number | null);
  if (child.pid !== undefined) void closed.then(endWithUs(-child.pid));
  return {
    child,
    output: () => output.join("\n"),
    text: () => all.join("\n"),
    ended: () => child.exitCode !== null || child.signalCode !== null,
    async end() {
      const timer = setTimeout(() => killGroup(child, "SIGKILL"), COMMAND_TIMEOUT_MS);
      const status = await closed;
      clearTimeout(timer);
      return status;
    },
    /** Ctrl-C: to every process of the group. */
    async interrupt() {
      killGroup(child, "SIGINT");
      return this.end();
    },
  };
}

/** Fills a command's placeholders in, and notes it down as run. */
function filled(command: string, values: Record<string, string>): string {
  expect(TREATMENTS[command], command).toEqual({ here: true });
  ran.add(command);
  const full = command
    .replace(/(\w+)=\S*…\S*/g, (_, name: string) => `${name}='${values[name]}'`)
    .replace(/0x<(\w+)>/g, (_, name: string) => `${values[name]}`)
    .replace('"…"', `"${values.text}"`);
  expect(full).not.toMatch(/…|<\w+>|undefined/);
  return full;
}

function networkFileSince(since: number): NetworkFile {
  const [path] = readdirSync(join(ROOT, ".sibyl"))
    .filter((name) => /^network-\d+\.json$/.test(name))
    .map((name) => join(ROOT, ".sibyl", name))
    .filter((path) => statSync(path).mtimeMs >= since);
  if (path === undefined) throw new Error("the quickstart left no network file");
  return JSON.parse(readFileSync(path, "utf8"));
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || !groupLives(child)) return;
  process.kill(-child.pid, signal);
}

function groupLives({ pid }: ChildProcess): boolean {
  try {
    process.kill(-(pid ?? 0), 0);
    return true;
  } catch {
    return false;
  }
}
