import { expect, test } from "vitest";
import { neededPackages } from "../../../scripts/bench/installedPackages.ts";

const packages = {
  app: { dependencies: { a: "1", lib: "1" }, optionalDependencies: { elsewhere: "1" } },
  "node_modules/lib": { link: true, resolved: "lib" },
  lib: { dependencies: { b: "1" }, peerDependencies: { a: "1", unwanted: "1" } },
  "node_modules/a": { dependencies: { b: "2" } },
  "node_modules/a/node_modules/b": {},
  "node_modules/b": { dependencies: { c: "1" } },
  "node_modules/c": { dependencies: { b: "1" } },
  "node_modules/elsewhere": {},
  "node_modules/other": {},
};
const installed = (place: string) => place !== "node_modules/elsewhere";

test("needed: nested versions before outer ones, links as what they lead to, cycles once", () => {
  expect(neededPackages(packages, ["app"], installed)).toEqual([
    "lib",
    "node_modules/a",
    "node_modules/a/node_modules/b",
    "node_modules/b",
    "node_modules/c",
  ]);
});

test("missing: an optional package may be, another may not", () => {
  const without = (place: string) => installed(place) && place !== "node_modules/c";
  expect(() => neededPackages(packages, ["app"], without)).toThrow(
    "c, which node_modules/b needs, is not installed",
  );
});
