import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createFixture, outcomeOf } from "./fixture.ts";

const SLOW_MS = 90_000;
/** Needs nothing but Node. */
const TASK = ["check", "solidity-imports"];
/** Counts its interrupts, cleans up for a while, and says so in a file. */
const INTERRUPTIBLE = `
import { writeFileSync } from "node:fs";
let interrupts = 0;
process.on("SIGINT", () => {
  interrupts += 1;
  if (interrupts > 1) return;
  setTimeout(() => {
    writeFileSync("interrupts", String(interrupts));
    process.exit(7);
  }, 300);
});
setInterval(() => {}, 1_000);
console.log("ready " + process.argv.slice(2).join(" "));
`;

describe("runner", () => {
  it("interrupted twice at once: the task hears it once, and is waited for", {
    timeout: SLOW_MS,
  }, async () => {
    using fixture = createFixture({ "scripts/quickstart/main.ts": INTERRUPTIBLE });
    const child = fixture.start(["quickstart", "--once"]);
    const done = outcomeOf(child);
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => String(chunk).includes("ready --once") && resolve());
    });
    // A Ctrl-C comes from the terminal, and once more from npm, which hands it on.
    child.kill("SIGINT");
    child.kill("SIGINT");
    const { code } = await done;
    expect(readFileSync(join(fixture.root, "interrupts"), "utf8")).toBe("1");
    expect(code).toBe(7);
  });

  it("unknown task: exit 2 and the list of tasks", async () => {
    using fixture = createFixture({});
    const { code, stderr } = await fixture.run(["nonsense"]);
    expect(stderr).toContain('no task "nonsense"');
    expect(stderr).toContain("quickstart");
    expect(code).toBe(2);
  });

  it("a check's program is missing: the check fails", { timeout: SLOW_MS }, async () => {
    using fixture = createFixture({});
    const { code, stdout } = await fixture.run(["check", "generated"]);
    expect(stdout).toMatch(/FAIL .* generated/);
    expect(code).toBe(1);
  });
});

describe("installation", () => {
  const sources = {
    "package.json": '{ "name": "sample", "version": "1.0.0", "dependencies": { "dep": "file:./dep" } }',
    "dep/package.json": '{ "name": "dep", "version": "1.0.0" }',
    "contracts/package.json": '{ "name": "@sibyl/contracts" }',
    "contracts/A.sol": "",
  };
  const lock = (root: string) =>
    execFileSync("npm", ["install", "--package-lock-only", "--offline"], { cwd: root, stdio: "pipe" });

  const editLock = (root: string, edit: (packages: Record<string, object>) => void) => {
    const path = join(root, "package-lock.json");
    const content = JSON.parse(readFileSync(path, "utf8"));
    edit(content.packages);
    writeFileSync(path, JSON.stringify(content));
  };

  it("two tasks in a fresh clone: one installs, both run; later tasks install nothing", {
    timeout: SLOW_MS,
  }, async () => {
    using fixture = createFixture(sources, { installed: false });
    lock(fixture.root);
    const outcomes = await Promise.all([fixture.run(TASK), fixture.run(TASK)]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(outcomes.filter(({ stderr }) => stderr.includes("Installing dependencies"))).toHaveLength(1);
    expect(existsSync(join(fixture.root, "node_modules", "dep"))).toBe(true);
    expect((await fixture.run(TASK)).stderr).toBe("");
  });

  it("a changed lockfile: installs again", { timeout: SLOW_MS }, async () => {
    using fixture = createFixture(sources, { installed: false });
    lock(fixture.root);
    await fixture.run(TASK);
    editLock(fixture.root, (packages) => {
      packages.dep = { version: "1.0.1" };
    });
    fixture.write({ "dep/package.json": '{ "name": "dep", "version": "1.0.1" }' });
    const { code, stderr } = await fixture.run(TASK);
    expect(stderr).toContain("Installing dependencies (dep is 1.0.0, not 1.0.1)");
    expect(code).toBe(0);
  });

  it("no registry: exit 1, what to do, and the task does not run", { timeout: SLOW_MS }, async () => {
    using fixture = createFixture(sources, { installed: false });
    lock(fixture.root);
    editLock(fixture.root, (packages) => {
      packages[""] = { ...packages[""], dependencies: { dep: "file:./dep", absent: "1.0.0" } };
      packages["node_modules/absent"] = { version: "1.0.0", resolved: "http://127.0.0.1:9/absent.tgz" };
    });
    fixture.write({
      "package.json":
        '{ "name": "sample", "version": "1.0.0", "dependencies": { "dep": "file:./dep", "absent": "1.0.0" } }',
    });
    const { code, stdout, stderr } = await fixture.run(TASK, {
      npm_config_registry: "http://127.0.0.1:9/",
      npm_config_fetch_retries: "0",
    });
    expect(stderr).toContain("The package registry cannot be reached");
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});
