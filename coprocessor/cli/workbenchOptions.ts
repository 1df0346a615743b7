import { type Command, InvalidArgumentError, Option } from "commander";
import { PROVIDERS, type Provider } from "../core/runtime.ts";
import type { WorkbenchOptions } from "../workbench.ts";

/** What commands that run models take from their command line. */
export interface ModelOptions {
  models: string;
  dataDir: string;
  provider: Provider;
}

/** Adds the options that say where models are and where they run. */
export function withModelOptions(command: Command): Command {
  return command
    .option("--models <folders>", "folders with one model in each subfolder, comma-separated", "models")
    .option("--data-dir <folder>", "where fetched models are kept", ".sibyl")
    .addOption(new Option("--provider <provider>", "where models run").choices(PROVIDERS).default("cpu"));
}

/** A workbench with one process, as the options say. */
export const workbenchOptions = ({ models, dataDir, provider }: ModelOptions): WorkbenchOptions => ({
  modelFolders: models.split(",").map((folder) => folder.trim()),
  dataDir,
  threads: 1,
  providers: { provider, ofModel: {} },
});

/** @throws InvalidArgumentError, which commander shows beside the option. */
export function positiveInteger(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("must be a whole number above 0");
}
