import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blocks, documentedCommands, pages, ROOT, TREATMENTS } from "../../docs/documentedCommands.ts";

/** Commands of the documentation that nothing runs, or another test: that they could be run. */

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const known = documentedCommands();
const FENCES = ["sh", "solidity", "ts", "js", "mermaid", "json", "", "yaml"];

test("documented: every command is run by a test, or is listed with the reason why not", () => {
  expect(known.length).toBeGreaterThan(30);
  const unknown = known.filter(({ command }) => !Object.hasOwn(TREATMENTS, command));
  expect(
    unknown,
    "run these in test/e2e/docs.test.ts, or say in test/docs/documentedCommands.ts why not",
  ).toEqual([]);
});

test("documented: what is listed stands in some page", () => {
  const commands = new Set(known.map(({ command }) => command));
  expect(Object.keys(TREATMENTS).filter((command) => !commands.has(command))).toEqual([]);
});

test("documented: commands are in blocks that say sh, and nowhere else", () => {
  for (const page of pages()) {
    for (const { info, text } of blocks(page)) {
      expect(FENCES, `${page}: \`\`\`${info}`).toContain(info.split(" ")[0]);
      if (info !== "sh") expect(text, page).not.toMatch(/^\s*(\$ |npm |npx |forge |node |apt-get )/m);
    }
  }
});

test("documented: every npm script that a page mentions exists", () => {
  for (const page of pages()) {
    const text = readFileSync(join(ROOT, page), "utf8");
    for (const [, name = ""] of text.matchAll(/\bnpm run ([\w:-]+)/g))
      expect(Object.keys(scripts), `${page}: npm run ${name}`).toContain(name);
  }
});

test.each(Object.entries(TREATMENTS).filter(([, treatment]) => "by" in treatment))(
  "run elsewhere: %s",
  (_, treatment) => {
    if (!("by" in treatment)) throw new Error("filtered above");
    expect(readFileSync(join(ROOT, treatment.by), "utf8")).toContain(treatment.proof);
  },
);

test.each(Object.entries(TREATMENTS).filter(([, treatment]) => "not" in treatment))(
  "not run, and could be: %s",
  (command) => {
    const [variables = "", words] = split(command);
    for (const [, name = ""] of variables.matchAll(/(\w+)=/g))
      expect(readFileSync(join(ROOT, "docs", "operate.md"), "utf8")).toContain(`| \`${name}\` |`);
    couldRun(words);
  },
  20_000,
);

/** The variables before a command, and its words. */
function split(command: string): [string, string[]] {
  const [, variables = "", rest = ""] = /^((?:\w+=\S+ )*)(.*)$/.exec(command) ?? [];
  return [variables, rest.split(" ")];
}

function couldRun([program = "", ...words]: string[]): void {
  if (program.includes("/")) accessSync(join(ROOT, program), constants.X_OK);
  else if (program === "npm") npmCouldRun(words);
  else if (program === "node") {
    const [file = "", ...args] = words;
    const help = spawnSync(process.execPath, [join(ROOT, file), ...args, "--help"], { encoding: "utf8" });
    expect(help.status, help.stderr).toBe(0);
  } else if (program === "git") expect(existsSync(join(ROOT, words.at(-1) ?? "?"))).toBe(true);
  // Names of packages are Debian's; where there is no Debian nothing can be said about them.
  else if (program === "apt-get") expect(words.slice(0, 2)).toEqual(["install", "-y"]);
  else throw new Error(`nobody says whether ${program} could run`);
}

function npmCouldRun(words: string[]): void {
  const [script = "", dashes, ...args] = words[0] === "run" ? words.slice(1) : words;
  expect(Object.keys(scripts)).toContain(script);
  if (script === "example") expect(existsSync(join(ROOT, "examples", args[0] ?? "?", "start.ts"))).toBe(true);
  if (script !== "test" || dashes === undefined) return;
  const [suite = "", part = ""] = args;
  const files = readdirSync(join(ROOT, "examples"), { recursive: true, encoding: "utf8" });
  const ending = { contracts: ".t.sol", e2e: ".e2e.test.ts" }[suite];
  expect(ending, suite).toBeDefined();
  expect(files.filter((path) => path.endsWith(ending as string) && path.includes(part))).not.toEqual([]);
}
