import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..", "..");
/** What the runner and the tools that it calls read; the code that they judge is the test's own. */
const TOOLING = [
  "scripts/tasks",
  "scripts/foundry",
  "scripts/solc",
  "foundry.toml",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "vitest.config.ts",
  "test/propertySeed.ts",
  "biome.json",
  ".dependency-cruiser.cjs",
  ".solhint.json",
  ".solhintignore",
  ".gitignore",
];

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A small repository with our tooling and somebody else's code; gone when the test ends. */
export interface Fixture extends Disposable {
  readonly root: string;
  write(files: Record<string, string>): void;
  /** Starts a task of the runner; it leads no terminal, and its environment is not this test's. */
  start(args: string[], env?: Record<string, string>): ChildProcessWithoutNullStreams;
  run(args: string[], env?: Record<string, string>): Promise<Outcome>;
}

/**
 * @param files Contents by path. Replaces tooling of the same path.
 * @param options.installed Default: true, with our own node_modules.
 * @param options.without Tooling to leave out, so that a check judges the test's code alone.
 */
export function createFixture(
  files: Record<string, string>,
  { installed = true, without = [] as string[] } = {},
): Fixture {
  const root = mkdtempSync(join(tmpdir(), "sibyl-fixture-"));
  for (const path of TOOLING.filter((path) => !without.includes(path)))
    cpSync(join(ROOT, path), join(root, path), { recursive: true });
  if (installed) symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  const write = (contents: Record<string, string>) => {
    for (const [path, content] of Object.entries(contents)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
  };
  write(files);
  const start: Fixture["start"] = (args, env = {}) =>
    spawn(process.execPath, ["scripts/tasks/run.mjs", ...args], {
      cwd: root,
      env: { ...plainEnvironment(), ...(installed && { SIBYL_SKIP_INSTALL: "1" }), ...env },
    });
  return {
    root,
    write,
    start,
    run: (args, env) => outcomeOf(start(args, env)),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Waits for a process's end. */
export function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdin.end();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The last line that is not empty. */
export function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

/** Vitest's and CI's own variables would change what the fixture's tools do. */
function plainEnvironment(): Record<string, string> {
  const kept = ["PATH", "HOME", "TMPDIR"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(kept);
}
