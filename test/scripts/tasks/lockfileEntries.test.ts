import { expect, it } from "vitest";
import { missingEntries, withAddress } from "../../../scripts/tasks/lockfileEntries.mjs";

it("complete: an optional package found above its user is not missing", () => {
  const packages = {
    "": {},
    "node_modules/tool": { version: "1.0.0", optionalDependencies: { "@tool/linux-x64": "1.0.0" } },
    "node_modules/@tool/linux-x64": { version: "1.0.0", optional: true },
    "node_modules/a/node_modules/tool": {
      version: "1.0.0",
      optionalDependencies: { "@tool/linux-x64": "1.0.0" },
    },
  };
  expect(missingEntries(packages)).toEqual({ entries: {}, unknown: [] });
});

it("incomplete: the entry carries version and platform, as npm would write them", () => {
  const packages = {
    "node_modules/tool": {
      version: "2.0.0",
      dev: true,
      optionalDependencies: { "@tool/linux-arm64-musl": "2.0.0", "@tool/darwin-amd64": "2.0.0" },
    },
  };
  expect(missingEntries(packages).entries).toEqual({
    "node_modules/@tool/linux-arm64-musl": {
      version: "2.0.0",
      cpu: ["arm64"],
      dev: true,
      libc: ["musl"],
      optional: true,
      os: ["linux"],
    },
    "node_modules/@tool/darwin-amd64": {
      version: "2.0.0",
      cpu: ["x64"],
      dev: true,
      optional: true,
      os: ["darwin"],
    },
  });
});

it("unknowable: no platform in the name, or no exact version", () => {
  const packages = {
    "node_modules/tool": { optionalDependencies: { "tool-speedups": "1.0.0", "tool-linux-x64": "^1.0.0" } },
  };
  expect(missingEntries(packages).unknown).toHaveLength(2);
});

it("addresses: those of packages are found, a workspace's link is none", () => {
  const packages = {
    a: { resolved: "https://registry.example/a.tgz" },
    "node_modules/b": { resolved: "b", link: true },
  };
  expect(withAddress(packages)).toEqual(["a"]);
});
