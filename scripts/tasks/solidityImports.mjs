// Holds what Solidity may import, as .dependency-cruiser.cjs does for TypeScript: a package's sources import themselves
// and the packages that its package.json declares; tests may also import forge-std. What a package ships, by `files`,
// imports nothing that only lies here, or it breaks once published.
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
/**
 * Whether npm packs a file. Of npm's patterns this knows files, folders with a slash behind, and either with `!`.
 *
 * @param {string[]} patterns @param {string} path Relative to the package.
 */
function isShipped(patterns, path) {
  const matches = (/** @type {string} */ pattern) =>
    pattern.endsWith("/") ? path.startsWith(pattern) : path === pattern;
  return (
    patterns.some((pattern) => !pattern.startsWith("!") && matches(pattern)) &&
    !patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1)))
  );
}

/** @type {string[]} */
const breaches = [];
let files = 0;
for (const folder of packages) {
  const {
    dependencies = {},
    devDependencies = {},
    files: patterns = [],
  } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const ships = (/** @type {string} */ file) => isShipped(patterns, posix.relative(folder, file));
  for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
    const path = posix.join(folder, entry.replaceAll("\\", "/"));
    if (!path.endsWith(".sol") || path.includes("/node_modules/")) continue;
    files += 1;
    const isTest = path.endsWith(".t.sol") || path.startsWith(`${folder}/test/`);
    for (const [, target = ""] of readFileSync(join(root, path), "utf8").matchAll(IMPORT)) {
      const imported = posix.join(dirname(path), target);
      const known = ships(path) ? dependencies : { ...dependencies, ...devDependencies };
      const allowed = target.startsWith(".")
        ? imported.startsWith(`${folder}/`)
        : Object.keys(known).some((name) => target.startsWith(`${name}/`)) ||
          (isTest && target.startsWith("forge-std/"));
      if (!allowed)
        breaches.push(`${path}: ${target} is neither in ${folder} nor in a package that it declares`);
      else if (target.startsWith(".") && ships(path) && !ships(imported))
        breaches.push(
          `${path} is shipped, and ${target}, which it imports, is not; see "files" in package.json`,
        );
    }
  }
}
for (const breach of breaches) console.log(breach);
if (files === 0) console.log("No Solidity was found: this check looks in the wrong place.");
process.exitCode = breaches.length > 0 || files === 0 ? 1 : 0;
