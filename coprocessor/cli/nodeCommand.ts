import { resolve } from "node:path";
import { Command } from "commander";
import { readVariables } from "../config/configFile.ts";
import { readOracles } from "../config/oraclesConfig.ts";
import { stopInTime, untilSignalled } from "./untilSignalled.ts";

export function nodeCommand(): Command {
  return new Command("node")
    .description(
      "Runs a node, with a worker inside unless WORKER=none, until SIGTERM or Ctrl-C. Configured by environment variables.",
    )
    .option("--config <path>", "a file of NAME=value lines below the environment; SIGHUP reads it again")
    .action(async (options: { config?: string }) => {
      const path = options.config === undefined ? null : resolve(options.config);
      const variables = readVariables(path, process.env);
      const oracles = readOracles(variables);
      // Without a handler the signal would end the process while it starts.
      process.on("SIGHUP", () => reload?.());
      let reload: (() => void) | null = null;
      // Only now: the node's parts take seconds to load, and a faulty configuration needs none of them.
      const { startNode } = await import("../main.ts");
      // A node that stands by ends in order at a signal; one that starts has nothing to put in order yet.
      const ending = new AbortController();
      const endingEarly = oracles.some(({ config }) => config.standby) ? untilSignalled() : null;
      void endingEarly?.then(() => ending.abort());
      const coprocessor = await startNode(oracles, { signal: ending.signal }).catch((error: unknown) => {
        if (ending.signal.aborted) process.exit(0);
        throw error;
      });
      reload = () => {
        try {
          coprocessor.reload(readVariables(path, process.env));
        } catch (error) {
          console.error(error instanceof Error ? error.message : error);
        }
      };
      const reason = await Promise.race([endingEarly ?? untilSignalled(), coprocessor.failed]).catch(
        (error: unknown) => ({
          error,
        }),
      );
      const failed = typeof reason === "object";
      await stopInTime(async () => {
        if (!failed) await coprocessor.drain();
        await coprocessor.stop();
      }, coprocessor.drainTimeoutMs);
      if (failed) throw reason.error;
      process.exit(0);
    });
}
