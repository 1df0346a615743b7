// Writes the API reference into `.cache/docs`: of the contracts from NatSpec (forge doc), of the SDK from TSDoc (typedoc).
// What it writes is not committed: it says nothing that the sources do not.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../tasks/root.mjs";

const TARGET = join(".cache", "docs");

/** @type {{ name: string, folder: string, args: string[] }[]} */
const REFERENCES = [
  {
    name: "contracts",
    folder: join(TARGET, "contracts"),
    args: ["scripts/foundry/forge.mjs", "doc", "--out", join(TARGET, "contracts")],
  },
  {
    name: "SDK",
    folder: join(TARGET, "sdk"),
    args: [
      "node_modules/typedoc/bin/typedoc",
      "--entryPoints",
      "sdk/index.ts",
      "--tsconfig",
      "sdk/tsconfig.build.json",
      "--out",
      join(TARGET, "sdk"),
      "--name",
      "@sibyl/sdk",
      "--readme",
      "sdk/README.md",
      "--disableSources",
      "--treatWarningsAsErrors",
      // The zod schemas behind types, and what binds actions to an oracle: said by what they make.
      "--intentionallyNotExported",
      "manifestSchema",
      "--intentionallyNotExported",
      "imageInput",
      "--intentionallyNotExported",
      "Bound",
    ],
  },
];

for (const { name, folder, args } of REFERENCES) {
  rmSync(join(root, folder), { recursive: true, force: true });
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) {
    console.error(`The reference of the ${name} could not be written:\n${stdout}${stderr}`);
    process.exitCode = 1;
    continue;
  }
  console.log(`${name}: ${readdirSync(join(root, folder), { recursive: true }).length} files in ${folder}`);
}
