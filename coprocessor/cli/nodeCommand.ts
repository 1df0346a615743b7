import { Command } from "commander";
import { readConfig } from "../config.ts";

/** Milliseconds for an orderly end; a second signal does not wait for it. */
const STOP_TIMEOUT_MS = 15_000;

export function nodeCommand(): Command {
  return new Command("node")
    .description(
      "Runs a node with an embedded worker until SIGTERM or Ctrl-C. Configured by environment variables.",
    )
    .action(async () => {
      const config = readConfig(process.env);
      // Only now: the node's parts take seconds to load, and a faulty configuration needs none of them.
      const { startCoprocessor } = await import("../main.ts");
      const coprocessor = await startCoprocessor(config);
      const reason = await Promise.race([signalled(), coprocessor.failed]).catch((error: unknown) => ({
        error,
      }));
      const timeout = setTimeout(() => process.exit(1), STOP_TIMEOUT_MS);
      process.once("SIGINT", () => process.exit(1));
      process.once("SIGTERM", () => process.exit(1));
      await coprocessor.stop();
      clearTimeout(timeout);
      if (typeof reason === "object") throw reason.error;
      process.exit(0);
    });
}

function signalled(): Promise<string> {
  return new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}
