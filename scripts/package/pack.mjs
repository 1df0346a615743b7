// Makes the tarballs that integrators install: `dist/sibyl-contracts-<version>.tgz` and `dist/sibyl-sdk-<version>.tgz`.
// Inside the workspace the SDK's exports are its TypeScript sources, so that nothing has to be built to work on it; the
// tarball holds JavaScript and declarations instead.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../tasks/root.mjs";

const STAGE = join(root, ".cache", "packages");
const DIST = join(root, "dist");

/** A specifier of a TypeScript file in a declaration; the compiler rewrites those in JavaScript only. */
const TYPESCRIPT_SPECIFIER = /((?:from |import\()"\.{1,2}\/[^"]+)\.ts"/g;

try {
  rmSync(STAGE, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  for (const folder of [stageContracts(), stageSdk()]) pack(folder);
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}

/** npm itself reads `files` and leaves the rest out. */
function stageContracts() {
  const folder = join(STAGE, "contracts");
  cpSync(join(root, "contracts"), folder, {
    recursive: true,
    filter: (path) => !path.includes("node_modules"),
  });
  const { devDependencies: _, ...manifest } = manifestOf("contracts");
  writeManifest(folder, manifest);
  return folder;
}

function stageSdk() {
  const folder = join(STAGE, "sdk");
  run("the SDK does not compile", "node_modules/typescript/bin/tsc", ["-p", "sdk/tsconfig.build.json"], root);
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!entry.endsWith(".d.ts")) continue;
    const path = join(folder, entry);
    writeFileSync(path, readFileSync(path, "utf8").replace(TYPESCRIPT_SPECIFIER, '$1.js"'));
  }
  cpSync(join(root, "sdk", "README.md"), join(folder, "README.md"));
  writeManifest(folder, {
    ...manifestOf("sdk"),
    exports: {
      ".": { types: "./index.d.ts", default: "./index.js" },
      "./*": { types: "./*.d.ts", default: "./*.js" },
    },
  });
  return folder;
}

/** @param {string} workspace @returns {Record<string, unknown>} */
function manifestOf(workspace) {
  return JSON.parse(readFileSync(join(root, workspace, "package.json"), "utf8"));
}

/** @param {string} folder @param {Record<string, unknown>} manifest */
function writeManifest(folder, manifest) {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** @param {string} folder */
function pack(folder) {
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", DIST];
  const result = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  if (result.status !== 0) throw new Error(`npm pack failed in ${folder}:\n${result.stderr}`);
  const [packed] = JSON.parse(result.stdout);
  const kib = (packed.size / 1024).toFixed(0);
  console.log(`dist/${packed.filename}  ${packed.entryCount} files, ${kib} KiB`);
}

/** @param {string} what @param {string} script @param {string[]} args @param {string} cwd */
function run(what, script, args, cwd) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${what}:\n${stdout}${stderr}`);
}
