import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { collectibleAbi } from "../../examples/collectible/collectibleAbi.ts";
import { lendingAbi, priceHistoryAbi } from "../../examples/lending/lendingAbi.ts";
import { messageBoardAbi as exampleAbi } from "../../examples/message-board/messageBoardAbi.ts";
import { buildContracts } from "../../scripts/network/buildContracts.ts";
import { messageBoardAbi } from "../../scripts/network/messageBoardAbi.ts";
import { Teardown } from "../../scripts/network/teardown.ts";
import { readOptions } from "../../scripts/quickstart/options.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");

test("README: the consumer compiles as it stands there", () => {
  const source = /```solidity\n([\s\S]*?)```/.exec(README)?.[1] ?? "";
  expect(source).toContain("is RefundingConsumer");
  // Below the root, because the compiler reads nothing outside of it.
  const cache = join(ROOT, ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "readme-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "Consumer.sol");
  writeFileSync(file, `// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\n\n${source}`);
  const forge = spawnSync(
    process.execPath,
    [join(ROOT, "scripts", "foundry", "forge.mjs"), "build", relative(ROOT, file)],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, FOUNDRY_OUT: join(folder, "out"), FOUNDRY_CACHE_PATH: join(folder, "cache") },
    },
  );
  expect(forge.status, forge.stdout + forge.stderr).toBe(0);
  const artifact = JSON.parse(readFileSync(join(folder, "out", "Consumer.sol", "SpamGate.json"), "utf8"));
  expect(artifact.bytecode.object.length).toBeGreaterThan(2);
});

test("README: its npm commands exist, and the quickstart takes its options", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const commands = [...README.matchAll(/npm (?:run ([\w:-]+)|(test))/g)].map(([, run, test]) => run ?? test);
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) expect(Object.keys(scripts)).toContain(command);
  for (const [, options = ""] of README.matchAll(/`((?:--[a-z]+(?: \d)? ?)+)`/g)) {
    expect(readOptions(options.trim().split(" "), { operators: 20, messages: 48 })).not.toBeNull();
  }
});

test.each([
  "README.md",
  "contracts/README.md",
  "sdk/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, "examples"))
    .filter((name) => existsSync(join(ROOT, "examples", name, "README.md")))
    .map((name) => `examples/${name}/README.md`),
])("%s: every link into the repository leads somewhere", (path) => {
  const text = readFileSync(join(ROOT, path), "utf8");
  const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = ""]) => target);
  for (const target of targets.filter((target) => !/^https?:/.test(target)))
    expect(existsSync(join(ROOT, path, "..", target)), target).toBe(true);
});

test.each([
  ["MessageBoard", [...messageBoardAbi, ...exampleAbi]],
  ["Collectible", collectibleAbi],
  ["Lending", lendingAbi],
  ["PriceHistory", priceHistoryAbi],
] as const)("%s: the ABI written by hand is part of the contract's", async (name, written) => {
  const artifact = (await buildContracts(new Teardown()))[name];
  const key = (item: unknown) => {
    const { type, name, inputs } = item as { type: string; name?: string; inputs?: { type: string }[] };
    return `${type} ${name}(${inputs?.map((input) => input.type).join(",")})`;
  };
  const known = new Map(artifact.abi.map((item) => [key(item), item]));
  for (const item of written) {
    const real = known.get(key(item)) as
      | { outputs?: { type: string }[]; inputs?: { indexed?: boolean }[] }
      | undefined;
    expect(real, key(item)).toBeDefined();
    const types = (outputs: readonly { type: string }[] | undefined) => outputs?.map(({ type }) => type);
    if ("outputs" in item) expect(types(real?.outputs)).toEqual(types(item.outputs));
    if (item.type === "event") {
      const indexed = (inputs: unknown) =>
        (inputs as { indexed?: boolean }[]).map((input) => input.indexed === true);
      expect(indexed(real?.inputs)).toEqual(indexed(item.inputs));
    }
  }
});

test("docs/operate.md: lists every environment variable of a node, and no other", () => {
  const parts = readdirSync(join(ROOT, "coprocessor", "config")).map((name) => join("config", name));
  const config = ["config.ts", ...parts]
    .map((file) => readFileSync(join(ROOT, "coprocessor", file), "utf8"))
    .join("\n");
  // What nodes and workers share stands in both of their lists.
  const known = [...new Set([...config.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name))];
  const listed = [
    ...readFileSync(join(ROOT, "docs", "operate.md"), "utf8").matchAll(/^\| `([A-Z0-9_]+)` \|/gm),
  ];
  expect(known.length).toBeGreaterThan(10);
  expect(listed.map(([, name]) => name).sort()).toEqual(known.sort());
});
