import { Command } from "commander";
import { readOracles } from "../config/oraclesConfig.ts";
import { stopInTime, untilSignalled } from "./untilSignalled.ts";

const VARIABLES = `
It needs a funded account, and neither stake nor registration. What it looks at, finds and challenges is logged and kept;
'sibyl status' and 'sibyl status <requestId>' show it, with both outputs.

Environment variables, beside those of 'sibyl node' for the chain, the models, the store and the queue:
  ATTESTER_KEY      the account that pays bonds and gas (or ATTESTER_KEYSTORE, ATTESTER_SIGNER_URL)
  DATA_DIR          a folder of its own, if a node runs on this machine
  WATCH_SHARE       part of the requests that are looked at again, 0 to 1; 1 when not set
  WATCH_MODELS      ids of the models to watch, comma-separated; all when not set
  WATCH_RUNS        most models that run for it at once; 4 when not set
  WATCH_MARGIN_MS   how long before a window's end it is too late to challenge; 30000 when not set`;

export function watchCommand(): Command {
  return new Command("watch")
    .description(
      "Looks again at answers that may be challenged, and challenges the wrong ones, until SIGTERM or Ctrl-C.",
    )
    .addHelpText("after", VARIABLES)
    .action(async () => {
      const oracles = readOracles(process.env);
      // Only now: its parts take seconds to load, and a faulty configuration needs none of them.
      const { startNode } = await import("../main.ts");
      const watcher = await startNode(oracles, { role: "watcher" });
      const reason = await Promise.race([untilSignalled(), watcher.failed]).catch((error: unknown) => ({
        error,
      }));
      await stopInTime(() => watcher.stop());
      if (typeof reason === "object") throw reason.error;
      process.exit(0);
    });
}
