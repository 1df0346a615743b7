import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const MODULE = join(import.meta.dirname, "../../../coprocessor/observe/pinoLog.ts");

test("a level that changes counts for children that were made before", () => {
  const script = `
    import { createPinoLog } from ${JSON.stringify(MODULE)};
    const log = createPinoLog("warn", { service: "a" });
    const child = log.child({ operatorId: 7 });
    child.info({}, "too low");
    log.setLevel("debug");
    child.debug({ wei: 10n ** 20n }, "now heard");
    log.setLevel("silent");
    child.error({}, "never");
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", script],
    { encoding: "utf8", cwd: join(import.meta.dirname, "../../..") },
  );
  const lines = stdout.trim().split("\n");
  expect(lines, stderr).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: "debug",
    service: "a",
    operatorId: 7,
    wei: "100000000000000000000",
    msg: "now heard",
  });
});

test("a line about a job or a transaction says its request's id", () => {
  const requestId = `0x${"ab".repeat(32)}`;
  const key = `31337-0x${"11".repeat(20)}-${requestId}`;
  const script = `
    import { createPinoLog } from ${JSON.stringify(MODULE)};
    const log = createPinoLog("info", {});
    log.info({ key: "${key}" }, "request");
    log.info({ key: "watch-${key}" }, "second look");
    log.info({ id: "settle/${key}/0" }, "transaction");
    log.info({ key: "opening-${requestId}" }, "demand");
    log.info({ requestId: "0x01", key: "${key}" }, "said already");
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", script],
    { encoding: "utf8", cwd: join(import.meta.dirname, "../../..") },
  );
  const lines = stdout.trim().split("\n");
  expect(lines, stderr).toHaveLength(5);
  expect(lines.map((line) => (JSON.parse(line) as { requestId?: string }).requestId)).toEqual([
    requestId,
    requestId,
    requestId,
    undefined,
    "0x01",
  ]);
});

test("lines of one turn go out in one write, a warning at once, and the last ones when the process ends", () => {
  const script = `
    import fs from "node:fs";
    import { createPinoLog } from ${JSON.stringify(MODULE)};
    const writes = [];
    const write = fs.writeSync;
    fs.writeSync = (fd, text, ...rest) => {
      if (fd === 1) writes.push(String(text).trim().split("\\n").length);
      return write(fd, text, ...rest);
    };
    const log = createPinoLog("info", {});
    for (let line = 0; line < 5; line += 1) log.info({}, "a turn's");
    setTimeout(() => {
      const afterTurn = [...writes];
      log.info({}, "before a warning");
      log.warn({}, "a warning");
      const afterWarning = [...writes];
      process.stderr.write(JSON.stringify({ afterTurn, afterWarning }));
      log.info({}, "the last");
      process.exit(0);
    }, 20);
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", script],
    { encoding: "utf8", cwd: join(import.meta.dirname, "../../..") },
  );
  expect(JSON.parse(stderr)).toEqual({ afterTurn: [5], afterWarning: [5, 2] });
  const lines = stdout.trim().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg).slice(-3)).toEqual([
    "before a warning",
    "a warning",
    "the last",
  ]);
  expect(lines).toHaveLength(8);
});
