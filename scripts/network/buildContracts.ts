import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Abi, Hex } from "viem";
import { withLock } from "../tasks/withLock.mjs";
import { endWithUs } from "./endWithUs.ts";
import type { Teardown } from "./teardown.ts";

const ROOT = join(import.meta.dirname, "..", "..");
/** Apart from what `forge test` writes, so that a test run beside it disturbs nothing. */
const FOLDER = join(ROOT, ".cache", "network");
const OUT = join(FOLDER, "out");

const SOURCES = {
  ModelRegistry: "contracts/ModelRegistry.sol",
  OperatorRegistry: "contracts/OperatorRegistry.sol",
  InferenceOracle: "contracts/InferenceOracle.sol",
  JuryArbiter: "contracts/arbiter/JuryArbiter.sol",
  OpeningCourt: "contracts/OpeningCourt.sol",
  MessageBoard: "examples/message-board/contracts/MessageBoard.sol",
} as const;

/** What the examples with a page put beside it. */
const EXAMPLES = {
  Collectible: "examples/collectible/contracts/Collectible.sol",
  DemoDollar: "examples/lending/contracts/DemoDollar.sol",
  PriceHistory: "examples/lending/contracts/PriceHistory.sol",
  Lending: "examples/lending/contracts/Lending.sol",
} as const;

export type ContractName = keyof typeof SOURCES;
export type ExampleContractName = keyof typeof EXAMPLES;
export type Artifacts = Record<ContractName | ExampleContractName, Artifact>;

export interface Artifact {
  abi: Abi;
  bytecode: Hex;
}

/**
 * Compiles what a local network deploys, unless nothing changed: 10 s on two cores, half a second when up to date.
 *
 * With the development profile: the release profile's code is a little cheaper to run and four times slower to make.
 *
 * @throws Error with the compiler's messages.
 */
export async function buildContracts(teardown: Teardown): Promise<Artifacts> {
  await withLock(join(FOLDER, "build.lock"), { onWait: () => {} }, () => forgeBuild(teardown));
  return Object.fromEntries(
    Object.entries({ ...SOURCES, ...EXAMPLES }).map(([name, source]) => [name, readArtifact(source, name)]),
  ) as Artifacts;
}

async function forgeBuild(teardown: Teardown): Promise<void> {
  teardown.assertRunning();
  const child = spawn(
    process.execPath,
    [
      join(ROOT, "scripts", "foundry", "forge.mjs"),
      "build",
      ...Object.values(SOURCES),
      ...Object.values(EXAMPLES),
    ],
    {
      cwd: ROOT,
      env: {
        ...process.env,
        FOUNDRY_PROFILE: "default",
        FOUNDRY_OUT: OUT,
        FOUNDRY_CACHE_PATH: join(FOLDER, "cache"),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const closed = once(child, "close");
  const gone = child.pid === undefined ? () => {} : endWithUs(child.pid);
  const ended = teardown.add("compiler", async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await closed;
  });
  const [status, signal] = await closed;
  gone();
  await ended();
  if (status !== 0) {
    throw new Error(
      `the contracts do not compile (${status ?? signal}):\n${Buffer.concat(output).toString()}`,
    );
  }
}

function readArtifact(source: string, name: string): Artifact {
  const file = source.slice(source.lastIndexOf("/") + 1);
  const artifact = JSON.parse(readFileSync(join(OUT, file, `${name}.json`), "utf8"));
  return { abi: artifact.abi, bytecode: artifact.bytecode.object };
}
