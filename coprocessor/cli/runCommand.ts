import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { modelId, parseManifest } from "@sibyl/sdk";
import { Command } from "commander";
import { type Hex, isHex } from "viem";
import { CoprocessorError } from "../core/errors.ts";

export function runCommand(): Command {
  return new Command("run")
    .description(
      "Runs a model once on this machine and prints the output that an operator would sign, as hex.",
    )
    .argument("<folder>", "the model's folder, with its manifest.json")
    .argument("<input>", "ABI-encoded input as hex, as the manifest's codec says")
    .action(async (folder: string, input: string) => {
      if (!isHex(input)) {
        throw new CoprocessorError(`the input is no hex with 0x: ${input.slice(0, 80)}`, {
          code: "run/bad-input",
          retry: "never",
        });
      }
      // Without a line break: forge's ffi reads hex and nothing else.
      process.stdout.write(await runModel(folder, input));
    });
}

/** Milliseconds that one run may take. */
const TIMEOUT_MS = 60_000;

/** Runs the model in a folder once, as a worker does, and leaves nothing behind. */
async function runModel(folder: string, input: Hex): Promise<Hex> {
  const directory = resolve(folder);
  const id = modelId(parseManifest(await readFile(join(directory, "manifest.json"))));
  const { openWorkbench } = await import("../workbench.ts");
  const dataDir = await mkdtemp(join(tmpdir(), "sibyl-run-"));
  const workbench = openWorkbench({
    modelFolders: [dirname(directory)],
    dataDir,
    threads: 1,
    providers: { provider: "cpu", ofModel: {} },
  });
  try {
    const model = await workbench.models.resolve(id, "");
    return (await workbench.engine.run(model, input, { timeoutMs: TIMEOUT_MS })).output;
  } finally {
    await workbench.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}
