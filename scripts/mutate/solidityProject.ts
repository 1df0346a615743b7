import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { CompilerOutput, SolcThread } from "./solcThread.ts";
import type { AstNode } from "./solidityAst.ts";
import { childrenOf } from "./solidityAst.ts";

/** Where a contract is defined. */
export interface ContractPlace {
  source: string;
  name: string;
}

/** The sources of contracts and tests, and what is known of them. */
export interface SolidityProject {
  /** Text by path from the repository, what is imported from packages included. */
  sources: ReadonlyMap<string, string>;
  /** Syntax trees by path. */
  asts: ReadonlyMap<string, AstNode>;
  /** All that a source needs, itself included. */
  closureOf: (source: string) => ReadonlySet<string>;
  /** What a source itself imports. */
  importsOf: (source: string) => readonly string[];
  /** Contracts below `contracts/` that can be deployed. */
  deployable: readonly ContractPlace[];
  /** Contracts with tests. */
  tests: readonly ContractPlace[];
}

/** How the compiler is called for mutants: as foundry.toml's default profile says. */
export const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: "osaka",
  viaIR: false,
  metadata: { bytecodeHash: "none", appendCBOR: false },
} as const;

/** Reads foundry.toml's remappings, in solc's spelling. */
export function remappingsIn(root: string): string[] {
  const list = /^remappings = \[([^\]]*)\]/m.exec(readFileSync(join(root, "foundry.toml"), "utf8"))?.[1];
  if (list === undefined) throw new Error(`${join(root, "foundry.toml")} lists no remappings`);
  return [...list.matchAll(/"([^"]+)"/g)].map(([, remapping]) => remapping as string);
}

/** Reads the project at `root` and has it parsed. @throws Error when it does not compile. */
export async function readSolidityProject(root: string, solc: SolcThread): Promise<SolidityProject> {
  const entries = [...solidityFiles(root, "contracts"), ...solidityFiles(root, "test/contracts")];
  const sources = new Map<string, string>();
  const imports = new Map<string, string[]>();
  const remappings = remappingsIn(root).map((line) => line.split("=") as [string, string]);
  const pending = [...entries];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (sources.has(path)) continue;
    const text = readFileSync(join(root, path), "utf8");
    sources.set(path, text);
    const found = importedPaths(text, path, remappings);
    imports.set(path, found);
    pending.push(...found);
  }
  const output = await solc.compile(sources, { "*": { "": ["ast"], "*": ["evm.methodIdentifiers"] } });
  const asts = new Map(Object.entries(output.sources).map(([path, { ast }]) => [path, ast as AstNode]));
  const importsOf = (source: string) => imports.get(source) ?? [];
  return {
    sources,
    asts,
    importsOf,
    closureOf: (source) => closure(source, importsOf),
    deployable: contractsIn(asts, (path) => /^contracts\/(?!testing\/)/.test(path)),
    tests: contractsIn(asts, (path) => path.endsWith(".t.sol")).filter(({ source, name }) =>
      hasTests(output, source, name),
    ),
  };
}

function solidityFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".sol"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function importedPaths(text: string, from: string, remappings: readonly [string, string][]): string[] {
  return [...text.matchAll(/^\s*import\s[^"]*"([^"]+)";/gm)].map(([, named]) => {
    const path = named as string;
    if (path.startsWith(".")) return join(from, "..", path);
    const remapping = remappings
      .filter(([prefix]) => path.startsWith(prefix))
      .sort(([a], [b]) => b.length - a.length)[0];
    return remapping === undefined ? path : remapping[1] + path.slice(remapping[0].length);
  });
}

function closure(source: string, importsOf: (source: string) => readonly string[]): Set<string> {
  const seen = new Set<string>();
  const pending = [source];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    pending.push(...importsOf(path));
  }
  return seen;
}

function contractsIn(asts: ReadonlyMap<string, AstNode>, wanted: (path: string) => boolean): ContractPlace[] {
  return [...asts]
    .filter(([path]) => wanted(path))
    .flatMap(([source, ast]) =>
      childrenOf(ast, "nodes")
        .filter((node) => node.contractKind === "contract" && node.abstract === false)
        .map((node) => ({ source, name: String(node.name) })),
    );
}

function hasTests(output: CompilerOutput, source: string, name: string): boolean {
  const methods = output.contracts[source]?.[name]?.evm?.methodIdentifiers ?? {};
  return Object.keys(methods).some((signature) => /^test/.test(signature));
}
