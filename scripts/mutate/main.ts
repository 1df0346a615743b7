import { createHash } from "node:crypto";
import { join } from "node:path";
import { Journal } from "./journal.ts";
import { type Mutant, mutantsOf, shuffled } from "./mutants.ts";
import { type MutationOptions, readOptions, USAGE } from "./options.ts";
import { type Finding, jsonOf, printReport, verdictOn } from "./report.ts";
import { SolcThread } from "./solcThread.ts";
import { readSolidityProject, remappingsIn, SETTINGS, type SolidityProject } from "./solidityProject.ts";
import { explainedSurvivors } from "./survivors.ts";
import { TestTree } from "./testTree.ts";
import { type Originals, tryMutant } from "./trial.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const FOLDER = join(ROOT, ".cache", "mutate");

/** What holds money, decides or is hashed; not what consumers inherit or test with. */
const isCore = (path: string) => /^contracts\/(?!(consumer|interfaces|testing)\/)/.test(path);

async function main(options: MutationOptions): Promise<void> {
  const solcs = Array.from(
    { length: options.workers },
    () => new SolcThread({ ...SETTINGS, remappings: remappingsIn(ROOT) }),
  );
  try {
    const project = await readSolidityProject(ROOT, solcs[0] as SolcThread);
    const mutants = candidates(project, options);
    const journal = new Journal(join(FOLDER, "journal.jsonl"), runOf(project, options), options.resume);
    console.error(
      `${mutants.length} possible mutants; trying ${options.limit} of them, seed ${options.seed}.`,
    );
    const findings = await tryAll(mutants, { options, project, solcs, journal });
    const verdict = verdictOn(findings, options, explainedSurvivors());
    if (options.json) console.log(JSON.stringify(jsonOf(verdict), null, 2));
    else printReport(verdict);
    if (verdict.missed.length > 0) process.exitCode = 1;
  } finally {
    for (const solc of solcs) await solc.end();
  }
}

function candidates(project: SolidityProject, { files, seed }: MutationOptions): Mutant[] {
  const wanted = (path: string) =>
    isCore(path) && (files.length === 0 || files.some((part) => path.includes(part)));
  const mutants = [...project.asts]
    .filter(([path]) => wanted(path))
    .flatMap(([path, ast]) => mutantsOf(path, project.sources.get(path) as string, ast));
  if (mutants.length === 0) throw new Error(`no source below contracts/ matches ${files.join(", ")}`);
  return shuffled(mutants, seed);
}

/** What a run depends on. */
function runOf(project: SolidityProject, { seed, files }: MutationOptions): string {
  const hash = createHash("sha256");
  for (const [path, text] of [...project.sources].sort()) hash.update(`${path}\n${text}\n`);
  return JSON.stringify({ seed, files, sources: hash.digest("hex") });
}

async function tryAll(
  mutants: readonly Mutant[],
  {
    options,
    project,
    solcs,
    journal,
  }: {
    options: MutationOptions;
    project: SolidityProject;
    solcs: readonly SolcThread[];
    journal: Journal;
  },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const counted = () => findings.filter(({ outcome }) => says(outcome.kind)).length;
  const pending = mutants[Symbol.iterator]();
  let underWay = 0;
  const fuzzSeed = `0x${createHash("sha256").update(options.seed).digest("hex")}`;

  const built = await TestTree.create(ROOT, join(FOLDER, "tree-0"), { project, fuzzSeed });
  const before = await built.test([], { failFast: true });
  if (before.kind !== "passed")
    throw new Error(`the tests fail without any mutant: ${JSON.stringify(before)}`);
  const trees = solcs.map((_, i) => (i === 0 ? built : built.copyTo(join(FOLDER, `tree-${i}`))));

  const work = async (solc: SolcThread, index: number) => {
    const tree = trees[index] as TestTree;
    const originals: Originals = new Map();
    while (counted() + underWay < options.limit) {
      const next = pending.next();
      if (next.done) return;
      const mutant = next.value;
      underWay += 1;
      const started = Date.now();
      const known = journal.done.get(mutant.id);
      const outcome = known ?? (await tryMutant(mutant, { project, solc, tree, originals }));
      underWay -= 1;
      if (known === undefined) journal.add({ id: mutant.id, outcome });
      findings.push({ mutant, outcome });
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      console.error(`${counted()}/${options.limit} ${seconds} s ${outcome.kind}: ${mutant.id}`);
    }
  };
  await Promise.all(solcs.map(work));
  return findings;
}

const says = (kind: string) => kind !== "does not compile" && kind !== "equivalent";

let options: MutationOptions | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`);
  process.exitCode = 2;
}
if (options !== undefined) await main(options);
