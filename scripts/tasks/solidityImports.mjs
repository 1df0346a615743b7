// Holds what Solidity may import, as .dependency-cruiser.cjs does for TypeScript: a package's sources import themselves
// and the packages that its package.json declares, or they break once published; tests may also import forge-std.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { root } from "./root.mjs";

const IMPORT = /^\s*import\s+(?:[^"';]*?\bfrom\s+)?["']([^"']+)["']/gm;

/** @param {string} folder Relative to the root. @returns {string[]} */
function list(folder) {
  return existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [];
}

const packages = ["contracts", ...list("examples").map((name) => `examples/${name}`)].filter((folder) =>
  existsSync(join(root, folder, "package.json")),
);
/** @type {string[]} */
const breaches = [];
let files = 0;
for (const folder of packages) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
    const path = posix.join(folder, entry.replaceAll("\\", "/"));
    if (!path.endsWith(".sol") || path.includes("/node_modules/")) continue;
    files += 1;
    const isTest = path.endsWith(".t.sol") || path.startsWith(`${folder}/test/`);
    for (const [, target = ""] of readFileSync(join(root, path), "utf8").matchAll(IMPORT)) {
      const allowed = target.startsWith(".")
        ? posix.join(dirname(path), target).startsWith(`${folder}/`)
        : Object.keys(dependencies).some((name) => target.startsWith(`${name}/`)) ||
          (isTest && target.startsWith("forge-std/"));
      if (!allowed)
        breaches.push(`${path}: ${target} is neither in ${folder} nor in a package that it declares`);
    }
  }
}
for (const breach of breaches) console.log(breach);
if (files === 0) console.log("No Solidity was found: this check looks in the wrong place.");
process.exitCode = breaches.length > 0 || files === 0 ? 1 : 0;
