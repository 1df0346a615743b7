import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";

const ROOT = join(import.meta.dirname, "..", "..");
const DEPLOY = join(ROOT, "docs", "deploy");
const files = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const textOf = (file: string) => readFileSync(file, "utf8");
const OPERATE = textOf(join(ROOT, "docs", "operate.md"));
/** Variables of the node's and the worker's tables. */
const KNOWN = new Set([...OPERATE.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|/gm)].map(([, name]) => name));
/** Of Redis, Postgres and the autoscaler. */
const FOREIGN = new Set([
  "REDIS_PASSWORD",
  "REDISCLI_AUTH",
  "POSTGRES_USER",
  "POSTGRES_DB",
  "POSTGRES_PASSWORD",
]);

describe("deployment files", () => {
  test("every variable in them is one that a node or a worker reads", () => {
    const named = files.flatMap((file) => {
      const settings = textOf(file).matchAll(
        /(?:^\s*|\{ name: |ENV |Environment=| )([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?=[:=,])/gm,
      );
      return [...settings].map(([, name]) => name as string);
    });
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !KNOWN.has(name) && !FOREIGN.has(name))).toEqual([]);
  });

  test("the YAML parses, without doubled keys", () => {
    const yaml = files.filter((file) => file.endsWith(".yaml"));
    expect(yaml.length).toBeGreaterThan(2);
    for (const file of yaml)
      for (const document of parseAllDocuments(textOf(file)))
        expect([file, document.errors]).toEqual([file, []]);
  });

  test("what they copy and start is there, and they run no script of a package", () => {
    const dockerfile = textOf(join(DEPLOY, "Dockerfile"));
    for (const [, source = ""] of dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm))
      for (const path of source.split(" "))
        expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
    expect(dockerfile).toContain("npm ci --ignore-scripts");
    for (const file of files.filter((path) => path.endsWith(".service")))
      expect(textOf(file)).toMatch(/^ExecStart=\/usr\/bin\/node coprocessor\/bin\/sibyl\.js (node|worker)$/m);
  });

  test("the autoscaler watches the list that BullMQ fills", () => {
    const worker = textOf(join(DEPLOY, "kubernetes", "worker.yaml"));
    const [, prefix, namespace] = /listName: "\{(.+)\}:(.+)-inference:wait"/.exec(worker) ?? [];
    expect(prefix).toBeDefined();
    expect(namespace).toBe(prefix);
  });
});
