import { Command } from "commander";
import { CoprocessorError } from "../core/errors.ts";
import { enrollCommand } from "./enrollCommand.ts";
import { evidenceCommand } from "./evidenceCommand.ts";
import { keyCommand } from "./keyCommand.ts";
import { modelCommand } from "./modelCommand.ts";
import { nodeCommand } from "./nodeCommand.ts";
import { publishCommand } from "./publishCommand.ts";
import { queueCommand } from "./queueCommand.ts";
import { rebuildCommand } from "./rebuildCommand.ts";
import { receiptsCommand } from "./receiptsCommand.ts";
import { registerCommand } from "./registerCommand.ts";
import { runCommand } from "./runCommand.ts";
import { statusCommand } from "./statusCommand.ts";
import { verifyCommand } from "./verifyCommand.ts";
import { watchCommand } from "./watchCommand.ts";
import { withdrawCommand } from "./withdrawCommand.ts";
import { workerCommand } from "./workerCommand.ts";

const program = new Command("sibyl")
  .description("Runs an operator of the Sibyl inference oracle, and the transactions around it.")
  // What stands behind a command's name is that command's.
  .enablePositionalOptions()
  .addCommand(nodeCommand())
  .addCommand(workerCommand())
  .addCommand(watchCommand())
  .addCommand(keyCommand())
  .addCommand(registerCommand())
  .addCommand(enrollCommand())
  .addCommand(publishCommand())
  .addCommand(withdrawCommand())
  .addCommand(rebuildCommand())
  .addCommand(statusCommand())
  .addCommand(queueCommand())
  .addCommand(runCommand())
  .addCommand(receiptsCommand())
  .addCommand(evidenceCommand())
  .addCommand(verifyCommand())
  .addCommand(modelCommand());

try {
  await program.parseAsync();
} catch (error) {
  // A named error is for the operator to read; anything else is ours to find, so it keeps its stack.
  if (error instanceof CoprocessorError) console.error(`${error.code}: ${error.message}`);
  else console.error(error);
  process.exit(1);
}
