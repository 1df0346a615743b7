import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { asker, privateKeyOf } from "../../scripts/network/devAccounts.ts";
import { startNetwork } from "../../scripts/network/startNetwork.ts";
import { Teardown } from "../../scripts/network/teardown.ts";

/**
 * Does what docs/tutorial.md says, as it stands there: its files, its commands, in fresh folders outside of this
 * repository, with the packed tarballs. What differs is what this machine may not download: `forge init` takes forge-std
 * from our node_modules instead of GitHub, and both compilers are the npm package `solc`.
 */

const ROOT = join(import.meta.dirname, "..", "..");
const TUTORIAL = readFileSync(join(ROOT, "docs", "tutorial.md"), "utf8");
const FORGE_STD = join(ROOT, "node_modules", "@layerzerolabs", "toolbox-foundry", "lib", "forge-std");
const FORGE_STD_ON_GITHUB = "github:foundry-rs/forge-std#v1.9.7";
/** Hardhat 3 takes Node 22.13 or newer; where this one is older, npm brings that one for the test alone. */
const HARDHAT_NODE = "24.21.0";

/** Of one block of commands; the compiler in wasm and npm take their time. */
const COMMAND_TIMEOUT_MS = 150_000;
const run = promisify(execFile);

const teardown = new Teardown();
const folder = mkdtempSync(join(tmpdir(), "sibyl-newcomer-"));
/** Stands for the clone that the tutorial calls SIBYL. */
const sibyl = join(folder, "sibyl");
const programs = join(folder, "bin");

beforeAll(async () => {
  mkdirSync(join(sibyl, ".sibyl"), { recursive: true });
  for (const name of ["dist", "coprocessor", "models"]) symlinkSync(join(ROOT, name), join(sibyl, name));
  mkdirSync(programs);
  const forge = join(programs, "forge");
  writeFileSync(
    forge,
    `#!/bin/sh
if [ "$1" != init ]; then exec "${process.execPath}" "${join(ROOT, "scripts", "foundry", "forge.mjs")}" "$@"; fi
mkdir -p "$2/src" "$2/test" "$2/lib/forge-std" && cp -r "${FORGE_STD}" "$2/lib/forge-std/src"
printf '[profile.default]\\nsrc = "src"\\nout = "out"\\nlibs = ["lib"]\\n' > "$2/foundry.toml"
`,
  );
  chmodSync(forge, 0o755);
  await shell(ROOT, blockWith("npm run pack"));
});

afterAll(async () => {
  await teardown.run();
  rmSync(folder, { recursive: true, force: true });
});

test("Foundry: a fresh project with the tutorial's files is green", async () => {
  await shell(folder, blockWith("forge init"));
  const project = join(folder, "guestbook");
  writeFiles(project, ["src/Guestbook.sol", "test/Guestbook.t.sol", "sign.mjs"]);
  const output = await shell(project, blockWith("forge test\n"));
  expect(output).toMatch(/4 tests passed, 0 failed, 0 skipped/);
});

test("a real answer: the tutorial's script gets one through the packed SDK", async () => {
  const project = join(folder, "guestbook");
  await shell(project, blockWith("viem@"));
  const { client, protocol, model } = await startNetwork({ teardown });
  const written = {
    rpcUrl: client.rpcUrl,
    ...protocol,
    modelId: model.modelId,
    privateKey: privateKeyOf(asker()),
  };
  writeFileSync(
    join(sibyl, ".sibyl", "network-1.json"),
    JSON.stringify(written, (_, value) => (typeof value === "bigint" ? value.toString() : value)),
  );
  const output = await shell(project, blockWith("node sign.mjs"));
  expect(output).toMatch(
    /^asked {5}0x[0-9a-f]{64}\nsettled {3}0x[0-9a-f]{128}\nin the guestbook: Lovely place/,
  );
});

test("the real model: answers in a forge test when asked to, and is skipped otherwise", async () => {
  const project = join(folder, "guestbook");
  writeFiles(project, ["test/RealModel.t.sol"]);
  await shell(project, blockWith("ln -s"));
  expect(await shell(project, blockWith("--ffi"))).toMatch(/1 tests? passed, 0 failed, 0 skipped/);
  const usual = blockWith("forge test\n");
  expect(await shell(project, usual)).toMatch(/4 tests passed, 0 failed, 1 skipped/);
});

test("packed SDK: its types follow from a manifest, and a subpath brings one action", async () => {
  const project = join(folder, "guestbook");
  await shell(project, blockWith("viem@"));
  writeFileSync(
    join(project, "types.mts"),
    `import { decodeModelOutput, encodeModelInput, inferenceActions } from "@sibyl/sdk";
import { waitForAnswer } from "@sibyl/sdk/actions/waitForAnswer";
import { createPublicClient, http } from "viem";

const manifest = { input: { codec: "text", maxBytes: 100 }, output: { codec: "classification", labels: ["ham"] } } as const;
const label: number = decodeModelOutput(manifest, encodeModelInput(manifest, "hello")).value.label;
// @ts-expect-error A text is wanted.
encodeModelInput(manifest, 5n);
const client = createPublicClient({ transport: http() }).extend(inferenceActions({ oracle: "0x" }));
const status: "settled" | "expired" | "overdue" = (await client.waitForAnswer({ request: null as never })).status;
console.log(label, status, typeof waitForAnswer);
`,
  );
  const options = "--noEmit --strict --module nodenext --target es2022 --lib es2023,dom";
  await shell(
    project,
    `"${process.execPath}" "${join(ROOT, "node_modules", "typescript", "bin", "tsc")}" ${options} types.mts`,
  );
});

test("Hardhat 3: a fresh project with the same files is green", async () => {
  const project = join(folder, "hardhat");
  mkdirSync(project);
  const forgeStd = join(folder, "forge-std");
  cpSync(FORGE_STD, join(forgeStd, "src"), { recursive: true });
  cpSync(join(FORGE_STD, "package.json"), join(forgeStd, "package.json"));
  const node = await nodeForHardhat();
  await shell(project, blockWith("hardhat@").replace(FORGE_STD_ON_GITHUB, forgeStd), node);
  writeFiles(project, ["src/Guestbook.sol", "test/Guestbook.t.sol", "hardhat.config.js"]);
  const path = join(ROOT, "node_modules", "solc", "soljson.js");
  writeFileSync(
    join(project, "offline.config.js"),
    `import config from "./hardhat.config.js";
export default { ...config, solidity: { version: "0.8.37", path: ${JSON.stringify(path)} } };
`,
  );
  const command = blockWith("npx hardhat").replace("npx hardhat", "npx hardhat --config offline.config.js");
  expect(await shell(project, command, node)).toMatch(/4 passing/);
});

/** The one block of commands that contains `text`. */
function blockWith(text: string): string {
  const blocks = [...TUTORIAL.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  const found = blocks.filter((block) => block.includes(text));
  expect(found, text).toHaveLength(1);
  return found[0] as string;
}

/** Pastes files of the tutorial, which names each beside its fence. */
function writeFiles(project: string, paths: string[]): void {
  const files = new Map(
    [...TUTORIAL.matchAll(/```\w+ (\S+)\n([\s\S]*?)```/g)].map(([, path = "", text = ""]) => [path, text]),
  );
  for (const path of paths) {
    const text = files.get(path);
    if (text === undefined) throw new Error(`the tutorial has no file ${path}`);
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
}

/**
 * Runs commands as a newcomer's shell would, and gives what they print.
 *
 * Not synchronously: the network's processes block when nobody reads what they print.
 *
 * @param node A folder with another Node, to come first.
 */
async function shell(cwd: string, commands: string, node?: string): Promise<string> {
  const path = [...(node === undefined ? [] : [node]), programs, process.env.PATH].join(delimiter);
  const options = {
    cwd,
    env: {
      ...process.env,
      PATH: path,
      SIBYL: sibyl,
      FOUNDRY_SOLC: join(ROOT, "scripts", "solc"),
      FOUNDRY_OFFLINE: "true",
      HARDHAT_DISABLE_TELEMETRY_PROMPT: "true",
      npm_config_ignore_scripts: "true",
    },
    maxBuffer: 64 * 1024 * 1024,
    timeout: COMMAND_TIMEOUT_MS,
  };
  try {
    return (await run("sh", ["-ec", commands], options)).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${commands}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`, { cause: error });
  }
}

/** The folder of a Node that Hardhat takes, from npm when this one is too old. */
async function nodeForHardhat(): Promise<string> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return dirname(process.execPath);
  console.log(
    `Hardhat 3 takes Node 22.13 or newer, this is ${process.versions.node}: npm brings ${HARDHAT_NODE} for this test`,
  );
  const home = join(folder, "node");
  mkdirSync(home);
  const name = `node-${process.platform}-${process.arch}`;
  await shell(home, `npm install --prefix . ${name}@${HARDHAT_NODE}`);
  return join(home, "node_modules", name, "bin");
}
