import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { INPUT_CODECS, OUTPUT_CODECS } from "@sibyl/sdk";
import { expect, test } from "vitest";

/**
 * What a consumer costs to write. A line of code is one that is neither blank nor a comment; pragma, imports and closing
 * brackets count.
 */

const ROOT = join(import.meta.dirname, "..", "..", "..");
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), "utf8");
const SMALLEST_EXAMPLE_MAX_LINES = 30;
const README_CONSUMER_MAX_LINES = 15;

/** Every consumer that somebody may copy, by where it stands. */
const CONSUMERS = new Map([
  ...readdirSync(join(ROOT, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(ROOT, "examples", name, "contracts")).map((file) => [name, file]))
    .map(([name = "", file = ""]) => [`${name}/${file}`, read("examples", name, "contracts", file)] as const)
    .filter(([, source]) => source.includes("_onResult(")),
  ["README.md", fenced(read("README.md"), "solidity")] as const,
  ["docs/tutorial.md", fenced(read("docs", "tutorial.md"), "solidity src/Guestbook.sol")] as const,
]);

test("smallest example: at most 30 lines of code", () => {
  const board = CONSUMERS.get("message-board/MessageBoard.sol") ?? "";
  const lines = linesOfCode(board);
  expect(lines).toContain("contract MessageBoard is RefundingConsumer {");
  expect(lines.length).toBeLessThanOrEqual(SMALLEST_EXAMPLE_MAX_LINES);
});

test("README: its consumer is read at one glance", () => {
  const lines = linesOfCode(CONSUMERS.get("README.md") ?? "");
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(README_CONSUMER_MAX_LINES);
});

test.each([...CONSUMERS])("%s: its callback decodes in one line", (_, source) => {
  const callback = /function _onResult\(bytes32 \w*, bytes calldata (\w+)\)[^{]*\{\n([\s\S]*?)\n {4}\}/.exec(
    source,
  );
  const [output = "", body = ""] = callback?.slice(1) ?? [];
  const mentions = body.split("\n").filter((line) => new RegExp(`\\b${output}\\b`).test(line));
  // One statement, whole on its line, through a codec that checks; and the raw bytes are looked at nowhere else.
  expect(mentions).toEqual([expect.stringMatching(new RegExp(`^.* = \\w+Codec\\.decode\\(${output}\\);$`))]);
});

test("docs/concepts.md: has every codec, and its library where Solidity has one", () => {
  const text = read("docs", "concepts.md");
  for (const codec of new Set([...INPUT_CODECS, ...OUTPUT_CODECS]))
    expect(text, codec).toContain(`\n| \`${codec}\` |`);
  const libraries = readdirSync(join(ROOT, "contracts", "libraries", "codecs"));
  for (const library of libraries)
    expect(text, library).toContain(`${library.replace(".sol", "")}.decode(output)`);
});

function linesOfCode(source: string): string[] {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("//"));
}

function fenced(text: string, info: string): string {
  const block = text.split(`\`\`\`${info}\n`)[1]?.split("\n```")[0];
  if (block === undefined) throw new Error(`no block ${info}`);
  return block;
}
