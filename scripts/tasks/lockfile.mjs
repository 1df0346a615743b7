// Holds that package-lock.json is complete and names no download address. `--write` completes it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { missingEntries, withAddress } from "./lockfileEntries.mjs";
import { root } from "./root.mjs";

const path = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8"));
const { entries, unknown } = missingEntries(lock.packages);
const addressed = withAddress(lock.packages);
const write = process.argv.includes("--write");
if (write && Object.keys(entries).length > 0) {
  const { "": own, ...others } = { ...lock.packages, ...entries };
  const sorted = Object.entries(others).sort(([a], [b]) => a.localeCompare(b, "en"));
  writeFileSync(
    path,
    `${JSON.stringify({ ...lock, packages: { "": own, ...Object.fromEntries(sorted) } }, null, 2)}\n`,
  );
}
for (const place of Object.keys(entries))
  console.log(`${place}: ${write ? "added" : "missing in package-lock.json"}`);
for (const wanted of unknown)
  console.log(`${wanted}: missing in package-lock.json, and its platform is not in its name`);
for (const place of addressed) console.log(`${place}: names a download address; see .npmrc`);
process.exitCode = unknown.length + addressed.length + (write ? 0 : Object.keys(entries).length) > 0 ? 1 : 0;
