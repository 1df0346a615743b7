import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { deployer, privateKeyOf } from "../../scripts/network/devAccounts.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COMMAND = join(ROOT, "coprocessor", "bin", "sibyl.js");
const folder = mkdtempSync(join(tmpdir(), "sibyl-command-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COMPLETE = {
  RPC_URL: "http://127.0.0.1:9",
  ORACLE_ADDRESS: "0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0",
  ATTESTER_KEY: privateKeyOf(deployer()),
  DATA_DIR: folder,
};

/** Runs the `sibyl` command, which is expected to end by itself. */
async function sibyl(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ status: number; stderr: string; stdout: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  const [status] = (await once(child, "close")) as [number | null];
  return {
    status: status ?? -1,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  };
}

const node = (env: Record<string, string>) => sibyl(["node"], env);

test("refused: without configuration a node names every variable that it needs", async () => {
  const { status, stderr } = await node({});
  expect(status).toBe(1);
  expect(stderr).toMatch(/^config\/invalid: /);
  for (const name of ["RPC_URL", "ORACLE_ADDRESS", "ATTESTER_KEY"])
    expect(stderr).toContain(`${name} is not set`);
});

test("refused: an address without a port is named, and no key is ever shown", async () => {
  const { status, stderr, stdout } = await node({ ...COMPLETE, P2P_LISTEN: "127.0.0.1" });
  expect(status).toBe(1);
  expect(stderr).toContain("P2P_LISTEN must be host:port");
  expect(stderr + stdout).not.toContain(COMPLETE.ATTESTER_KEY.slice(2));
});

test("refused: a malformed key is refused without being shown", async () => {
  const { status, stderr } = await node({ ...COMPLETE, ATTESTER_KEY: "0xabc123" });
  expect(status).toBe(1);
  expect(stderr).toContain("ATTESTER_KEY must be a private key");
  expect(stderr).not.toContain("abc123");
});

test("key: a new keystore gives its address back to its password, and to no other", async () => {
  const file = join(folder, "attester.json");
  const made = await sibyl(["key", "create", file], { ATTESTER_PASSWORD: "a password" });
  expect(made.status, made.stderr).toBe(0);
  const address = /0x[0-9a-fA-F]{40}/.exec(made.stdout)?.[0];
  const shown = await sibyl(["key", "address"], { ATTESTER_KEYSTORE: file, ATTESTER_PASSWORD: "a password" });
  expect(shown.stdout.trim(), shown.stderr).toBe(address);
  const wrong = await sibyl(["key", "address"], { ATTESTER_KEYSTORE: file, ATTESTER_PASSWORD: "another" });
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toMatch(/^keys\/wrong-password: /);
}, 120_000);
