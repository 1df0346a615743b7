import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ModelManifest, parseManifest } from "@sibyl/sdk";
import { Command } from "commander";
import { CoprocessorError } from "../core/errors.ts";
import { lintGraph } from "../core/onnx/lintGraph.ts";
import { MalformedProtobufError } from "../core/onnx/protobuf.ts";
import { readGraph } from "../core/onnx/readGraph.ts";
import { calibrateCommand } from "./calibrateCommand.ts";

export function modelCommand(): Command {
  return new Command("model")
    .description("Looks at a model before it is published.")
    .addCommand(lintCommand())
    .addCommand(calibrateCommand());
}

function lintCommand(): Command {
  return new Command("lint")
    .description(
      "Reads a model's graph and says which determinism profiles it can have, and why not. Prints JSON; exit status 2 " +
        "when there is an error.",
    )
    .argument("<folder>", "the model's folder, with manifest.json")
    .action(async (folder: string) => {
      const manifest = parseManifest(await readFile(join(folder, "manifest.json")));
      const report = lintGraph(await graphOf(folder, manifest), manifest);
      const { name, version, profile, runner = "native" } = manifest;
      console.log(JSON.stringify({ model: `${name} ${version}`, profile, runner, ...report }, null, 2));
      if (report.findings.some(({ severity }) => severity === "error")) process.exitCode = 2;
    });
}

async function graphOf(folder: string, { entry }: ModelManifest) {
  try {
    return readGraph(await readFile(join(folder, entry)));
  } catch (cause) {
    if (!(cause instanceof MalformedProtobufError)) throw cause;
    throw new CoprocessorError(`${join(folder, entry)} is no ONNX file: ${cause.message}`, {
      code: "model/malformed",
      retry: "never",
      meta: { entry },
      cause,
    });
  }
}
