import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/**
 * An example is cloned alone, so each has its own copy of what all pages need; a fault mended in one is mended in all.
 */

const EXAMPLES = join(import.meta.dirname, "..", "..", "..", "examples");
const COPIES = ["account.ts", "connect.ts", "dom.ts", "story.ts", "style.css", "wallet.ts"];

test.each(COPIES)("%s: is the same in every example", (file) => {
  const examples = readdirSync(EXAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
    .map(({ name }) => name);
  expect(examples.length).toBeGreaterThan(2);
  const versions = new Set(examples.map((name) => readFileSync(join(EXAMPLES, name, "web", file), "utf8")));
  expect(versions.size).toBe(1);
});
