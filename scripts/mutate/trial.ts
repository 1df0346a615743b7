import { type Mutant, mutated } from "./mutants.ts";
import { CompilationError, type CompiledContract, type SolcThread } from "./solcThread.ts";
import { type AstNode, childrenOf } from "./solidityAst.ts";
import type { ContractPlace, SolidityProject } from "./solidityProject.ts";
import type { TestTree } from "./testTree.ts";

/**
 * What became of a mutant: `killed` by the tests named, `timed out` in them, `survived` all of them; or it says nothing of
 * the tests, because it is no program (`does not compile`) or the same program (`equivalent`: its bytecode is the same).
 */
export type Outcome =
  | { kind: "killed"; by: string }
  | { kind: "timed out" | "survived" | "does not compile" | "equivalent" };

type Compiled = { place: ContractPlace; compiled: CompiledContract }[];

/** What the compiler makes of some contracts as they are, by the names of these. */
export type Originals = Map<string, Compiled>;

/** Makes one mutant and has the tests look for it. */
export async function tryMutant(
  mutant: Mutant,
  {
    project,
    solc,
    tree,
    originals,
  }: {
    project: SolidityProject;
    solc: SolcThread;
    tree: TestTree;
    originals: Originals;
  },
): Promise<Outcome> {
  const text = mutated(project.sources.get(mutant.source) as string, mutant);
  const withMutant = ({ source }: ContractPlace) => project.closureOf(source).has(mutant.source);

  /** Compiles contracts with the mutant in them; says whether they are still the same. */
  const compile = async (places: readonly ContractPlace[]) => {
    const key = places.map(({ source, name }) => `${source}:${name}`).join();
    let before = originals.get(key);
    if (before === undefined) {
      before = await compileContracts(project, solc, places);
      originals.set(key, before);
    }
    const after = await compileContracts(project, solc, places, { source: mutant.source, text });
    return { contracts: after, same: JSON.stringify(after) === JSON.stringify(before) };
  };

  try {
    const holders = project.tests.filter(({ source }) => inlinedIn(source, project).has(mutant.source));
    if (holders.length === 0) {
      const { contracts, same } = await compile(project.deployable.filter(withMutant));
      if (same) return { kind: "equivalent" };
      const outcome = await tree.test(contracts, { failFast: true });
      return outcome.kind === "failed"
        ? { kind: "killed", by: outcome.failed[0] as string }
        : asOutcome(outcome);
    }
    // What is compiled into its callers is mutated in the tests that call it, too. So they are compiled: first those
    // that need no contract, then those that import it, which are likely to find it, and at last all.
    const pure = holders.filter(
      ({ source }) => !project.deployable.some((contract) => project.closureOf(source).has(contract.source)),
    );
    const near = holders.filter(({ source }) => project.importsOf(source).includes(mutant.source));
    // Two of those that import it are compiled in a tenth of the time of all, and mostly find it.
    for (const places of [pure, near.slice(0, 2), near.slice(2), holders]) {
      if (places.length === 0) continue;
      // The same bytecode says nothing here: nobody may call the function, and then no test tests it.
      const { contracts } = await compile(places);
      const outcome = await tree.test(contracts, { failFast: false });
      if (outcome.kind === "timed out") return outcome;
      // The other tests still hold what they were built with.
      const names = new Set(places.map(({ source, name }) => `${source}:${name}`));
      const by =
        outcome.kind === "failed"
          ? outcome.failed.find((test) => names.has(test.split(" ")[0] as string))
          : undefined;
      if (by !== undefined) return { kind: "killed", by };
    }
    return { kind: "survived" };
  } catch (error) {
    if (error instanceof CompilationError) return { kind: "does not compile" };
    throw error;
  }
}

const asOutcome = ({ kind }: { kind: "passed" | "timed out" }): Outcome => ({
  kind: kind === "passed" ? "survived" : "timed out",
});

/**
 * Libraries and types have no code of their own on chain: it lies in their callers. Those that a test calls lie in the test
 * as well; those that only contracts call do not.
 *
 * @returns The sources whose code may be in a test's own.
 */
function inlinedIn(test: string, project: SolidityProject): Set<string> {
  const found = new Set<string>();
  const pending = [test];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (found.has(path) || (path.startsWith("contracts/") && hasContract(project.asts.get(path) as AstNode)))
      continue;
    found.add(path);
    pending.push(...project.importsOf(path));
  }
  return found;
}

const hasContract = (ast: AstNode) =>
  childrenOf(ast, "nodes").some(({ contractKind }) => contractKind === "contract");

async function compileContracts(
  project: SolidityProject,
  solc: SolcThread,
  places: readonly ContractPlace[],
  changed?: { source: string; text: string },
): Promise<Compiled> {
  const sources = new Map<string, string>();
  for (const { source } of places)
    for (const path of project.closureOf(source)) sources.set(path, project.sources.get(path) as string);
  if (changed !== undefined) sources.set(changed.source, changed.text);
  const wanted: Record<string, Record<string, string[]>> = {};
  for (const { source, name } of places)
    wanted[source] = { ...wanted[source], [name]: ["evm.bytecode.object", "evm.deployedBytecode.object"] };
  const { contracts } = await solc.compile(sources, wanted);
  return places.map((place) => ({
    place,
    compiled: contracts[place.source]?.[place.name] as CompiledContract,
  }));
}
