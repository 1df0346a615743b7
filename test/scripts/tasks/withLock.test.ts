import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { withLock } from "../../../scripts/tasks/withLock.mjs";

const folder = mkdtempSync(join(tmpdir(), "sibyl-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("many at once: one at a time, all of them, and the lock is gone", async () => {
  const path = join(folder, "deep", "many.lock");
  let inside = 0;
  let most = 0;
  let done = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    done += 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(path, { onWait: () => {} }, work)));
  expect({ most, done }).toEqual({ most: 1, done: 5 });
  expect(existsSync(path)).toBe(false);
});

it("dead holder: its lock is taken over", async () => {
  const path = join(folder, "dead.lock");
  writeFileSync(path, "process 1");
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  expect(await withLock(path, { onWait: () => {} }, async () => "taken")).toBe("taken");
});

it("living holder: waits, says for whom, and can be told to give up", async () => {
  const path = join(folder, "living.lock");
  writeFileSync(path, "process 42");
  const abort = new AbortController();
  const holders: string[] = [];
  const onWait = (holder: string) => {
    holders.push(holder);
    abort.abort();
  };
  const waiting = withLock(path, { onWait, signal: abort.signal }, async () => {});
  await expect(waiting).rejects.toThrow(/abort/i);
  expect(holders).toEqual(["process 42"]);
});

it("failing work: the lock is gone", async () => {
  const path = join(folder, "failing.lock");
  await expect(withLock(path, { onWait: () => {} }, () => Promise.reject(new Error("no")))).rejects.toThrow(
    "no",
  );
  expect(existsSync(path)).toBe(false);
});
