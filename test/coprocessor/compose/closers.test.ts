import { expect, test } from "vitest";
import { Closers } from "../../../coprocessor/compose/closers.ts";
import { collectedLog } from "../collectedLog.ts";

test("parts are closed latest first, and one that fails keeps none from it", async () => {
  const [closers, log] = [new Closers(), collectedLog()];
  const closed: string[] = [];
  closers.add("first", async () => void closed.push("first"));
  closers.add("second", async () => {
    throw new Error("stuck");
  });
  await closers.open(
    "third",
    async () => "third",
    async (part) => void closed.push(part),
  );
  await closers.close(log);
  expect(closed).toEqual(["third", "first"]);
  expect(log.lines).toContainEqual(expect.objectContaining({ level: "error", message: "closing failed" }));
  await closers.close(log);
  expect(closed).toHaveLength(2);
});

test("what is still being opened is closed once it is open, and so is what is added meanwhile", async () => {
  const closers = new Closers();
  const events: string[] = [];
  let opened: (part: string) => void = () => {};
  const opening = closers.open(
    "database",
    () => new Promise<string>((resolve) => (opened = resolve)),
    async (part) => void events.push(`${part} closed`),
  );
  const onIt = opening.then(() => closers.add("store", async () => void events.push("store closed")));
  const closing = closers.close(collectedLog()).then(() => events.push("all closed"));
  opened("database");
  await Promise.all([closing, onIt]);
  expect(events).toEqual(["database closed", "store closed", "all closed"]);
});

test("what could not be opened has nothing to close", async () => {
  const [closers, log] = [new Closers(), collectedLog()];
  const failed = closers.open(
    "database",
    async () => {
      throw new Error("locked");
    },
    async () => expect.unreachable(),
  );
  await expect(failed).rejects.toThrow("locked");
  await closers.close(log);
  expect(log.lines).toEqual([]);
});
