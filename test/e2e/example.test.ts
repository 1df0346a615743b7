import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

const example = (...args: string[]) =>
  new Promise<{ status: number; output: string }>((resolve) => {
    const command = [join(ROOT, "scripts", "tasks", "run.mjs"), "example", ...args];
    execFile(process.execPath, command, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });

test("npm run example: prints where the page is, and --once ends well once it answers", async () => {
  const { status, output } = await example("lending", "--once");
  expect(output).toMatch(/lending is at http:\/\/127\.0\.0\.1:\d+\//);
  expect(status).toBe(0);
});

test("npm run example: a name that is none, or no name, gets the list", async () => {
  for (const args of [["roulette"], []]) {
    const { status, output } = await example(...args);
    expect(status).toBe(2);
    expect(output).toContain("collectible, lending, message-board");
  }
});

test("npm run example: a lifetime out of bounds is refused with the bounds", async () => {
  const { status, output } = await example("lending", "--lifetime", "4");
  expect(status).toBe(2);
  expect(output).toContain("5 to 3600 seconds, not 4");
});

test.each(["lending", "collectible", "message-board"])("README of %s: its commands exist", (name) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const readme = readFileSync(join(ROOT, "examples", name, "README.md"), "utf8");
  const commands = [...readme.matchAll(/^npm (?:run ([\w:-]+)|(test))/gm)].map(
    ([, run, test]) => run ?? test,
  );
  expect(commands.length).toBeGreaterThan(2);
  for (const command of commands) expect(Object.keys(scripts)).toContain(command);
  expect(readme).toContain(`npm run example -- ${name}`);
});
