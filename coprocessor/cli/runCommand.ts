import { Command } from "commander";
import { isHex } from "viem";
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
      const { runModel } = await import("../main.ts");
      // Without a line break: forge's ffi reads hex and nothing else.
      process.stdout.write(await runModel(folder, input));
    });
}
