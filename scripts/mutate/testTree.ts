import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { deployFromArtifacts } from "./deployFromArtifacts.ts";
import type { CompiledContract } from "./solcThread.ts";
import type { AstNode } from "./solidityAst.ts";
import { type ContractPlace, remappingsIn, type SolidityProject } from "./solidityProject.ts";

const BUILD_LIMIT_MS = 10 * 60_000;
/** A mutant that loops runs into it; the suites take some seconds. */
const TEST_LIMIT_MS = 120_000;

/** What the tests said; `failed` names them as `path:Contract test`. */
export type TestOutcome = { kind: "passed" } | { kind: "failed"; failed: string[] } | { kind: "timed out" };

/**
 * A copy of contracts and tests that forge has built once, and whose artifacts are then exchanged for those of mutants:
 * with unchanged sources forge compiles nothing. Its tests deploy from artifacts, so an exchanged contract is what they
 * test.
 *
 * What a test deploys outside of `setUp` stays as it was, so what only such a test would find survives.
 *
 * The invariant suites are not part of it, because they take longer than all others together.
 */
export class TestTree {
  readonly #folder: string;
  readonly #root: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(root: string, folder: string, fuzzSeed: string) {
    this.#root = root;
    this.#folder = folder;
    this.#env = {
      ...process.env,
      FOUNDRY_PROFILE: "default",
      FOUNDRY_LINT_LINT_ON_BUILD: "false",
      FOUNDRY_FUZZ_SEED: fuzzSeed,
      // What a fuzz test finds in a mutant it finds early; all runs would double the time of each mutant.
      FOUNDRY_FUZZ_RUNS: "48",
    };
  }

  /** @param fuzzSeed A number in hex, so that a run can be repeated. @throws Error when the copy does not build. */
  static async create(
    root: string,
    folder: string,
    { project, fuzzSeed }: { project: SolidityProject; fuzzSeed: string },
  ): Promise<TestTree> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, "examples"), { recursive: true });
    const packages = remappingsIn(root).map((line) => line.split("=")[1] as string);
    const copied = ["contracts", "test/contracts", "foundry.toml", "scripts/solc", ...pathsReadByTests(root)];
    for (const path of [...copied, ...packages.filter((path) => path.startsWith("node_modules/"))])
      cpSync(join(root, path), join(folder, path), { recursive: true, dereference: true });
    symlinkSync(join(root, "node_modules", "solc"), join(folder, "node_modules", "solc"));
    rmSync(join(folder, "test", "contracts", "invariant"), { recursive: true, force: true });
    for (const [path, text] of project.sources) {
      if (!path.startsWith("test/") || path.includes("/invariant/")) continue;
      const ast = project.asts.get(path) as AstNode;
      writeFileSync(join(folder, path), deployFromArtifacts(text, ast, project.deployable));
    }
    const tree = new TestTree(root, folder, fuzzSeed);
    await tree.#forge(["build"], BUILD_LIMIT_MS);
    return tree;
  }

  /** Another tree like this one, without building it anew. Not while this one is testing. */
  copyTo(folder: string): TestTree {
    rmSync(folder, { recursive: true, force: true });
    cpSync(this.#folder, folder, { recursive: true, verbatimSymlinks: true });
    return new TestTree(this.#root, folder, this.#env.FOUNDRY_FUZZ_SEED as string);
  }

  /** Runs the tests, with these contracts in place of those of the sources. */
  async test(
    exchanged: readonly { place: ContractPlace; compiled: CompiledContract }[],
    { failFast }: { failFast: boolean },
  ): Promise<TestOutcome> {
    const originals = exchanged.map(({ place, compiled }) => this.#exchange(place, compiled));
    try {
      const { stdout } = await this.#forge(
        ["test", "--json", ...(failFast ? ["--fail-fast"] : [])],
        TEST_LIMIT_MS,
        true,
      );
      const failed = failedTests(stdout);
      return failed.length === 0 ? { kind: "passed" } : { kind: "failed", failed };
    } catch (error) {
      if ((error as { killed?: boolean }).killed) return { kind: "timed out" };
      throw error;
    } finally {
      for (const { path, text } of originals) writeFileSync(path, text);
    }
  }

  #exchange({ source, name }: ContractPlace, { evm }: CompiledContract): { path: string; text: string } {
    const path = join(this.#folder, ".cache", "foundry", "out", basename(source), `${name}.json`);
    const text = readFileSync(path, "utf8");
    const artifact = JSON.parse(text);
    artifact.bytecode.object = `0x${evm?.bytecode?.object}`;
    artifact.deployedBytecode.object = `0x${evm?.deployedBytecode?.object}`;
    writeFileSync(path, JSON.stringify(artifact));
    return { path, text };
  }

  /** @param mayFail Tests that fail are an answer as good as others. */
  async #forge(args: string[], timeout: number, mayFail = false): Promise<{ stdout: string }> {
    const forge = join(this.#root, "scripts", "foundry", "forge.mjs");
    try {
      return await promisify(execFile)(process.execPath, [forge, ...args], {
        cwd: this.#folder,
        env: this.#env,
        timeout,
        maxBuffer: 256 * 1024 * 1024,
      });
    } catch (error) {
      const {
        killed,
        stdout = "",
        stderr = "",
      } = error as { killed?: boolean; stdout?: string; stderr?: string };
      if (killed) throw error;
      if (mayFail && stdout.startsWith("{")) return { stdout };
      throw new Error(`forge ${args[0]} in ${dirname(this.#folder)} failed:\n${stdout}${stderr}`, {
        cause: error,
      });
    }
  }
}

/** What foundry.toml lets tests read. */
function pathsReadByTests(root: string): string[] {
  const permissions = /^fs_permissions = \[([^\]]*)\]/m.exec(
    readFileSync(join(root, "foundry.toml"), "utf8"),
  )?.[1];
  return [...(permissions ?? "").matchAll(/path = "([^"]+)"/g)].map(([, path]) => path as string);
}

/** @throws Error when no test ran, because then nothing was tested. */
function failedTests(stdout: string): string[] {
  const report = JSON.parse(stdout) as Record<string, { test_results: Record<string, { status: string }> }>;
  const all = Object.entries(report).flatMap(([contract, { test_results: tests }]) =>
    Object.entries(tests).map(([test, { status }]) => ({ name: `${contract} ${test}`, status })),
  );
  if (all.length === 0) throw new Error("forge ran no test");
  return all.filter(({ status }) => status === "Failure").map(({ name }) => name);
}
