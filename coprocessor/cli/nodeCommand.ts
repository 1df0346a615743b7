import { Command } from "commander";
import { readConfig } from "../config.ts";
import { stopInTime, untilSignalled } from "./untilSignalled.ts";

export function nodeCommand(): Command {
  return new Command("node")
    .description(
      "Runs a node, with a worker inside unless WORKER=none, until SIGTERM or Ctrl-C. Configured by environment variables.",
    )
    .action(async () => {
      const config = readConfig(process.env);
      // Only now: the node's parts take seconds to load, and a faulty configuration needs none of them.
      const { startCoprocessor } = await import("../main.ts");
      const coprocessor = await startCoprocessor(config);
      const reason = await Promise.race([untilSignalled(), coprocessor.failed]).catch((error: unknown) => ({
        error,
      }));
      await stopInTime(() => coprocessor.stop());
      if (typeof reason === "object") throw reason.error;
      process.exit(0);
    });
}
