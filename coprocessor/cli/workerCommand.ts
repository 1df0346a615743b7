import { Command } from "commander";
import { readWorkerConfig } from "../config/workerConfig.ts";
import { stopInTime, untilSignalled } from "./untilSignalled.ts";

export function workerCommand(): Command {
  return new Command("worker")
    .description(
      "Runs models for a node on another machine until SIGTERM or Ctrl-C. Needs no key and no chain; configured by environment variables.",
    )
    .action(async () => {
      const config = readWorkerConfig(process.env);
      // Only now: the runtime takes seconds to load, and a faulty configuration needs none of it.
      const { startInferenceWorker } = await import("../compose/inferenceWorker.ts");
      const abort = new AbortController();
      const signalled = untilSignalled();
      const starting = startInferenceWorker(config, abort.signal);
      const first = await Promise.race([starting, signalled]);
      if (typeof first === "string") abort.abort();
      const worker = await starting;
      await signalled;
      await stopInTime(() => worker.stop());
      process.exit(0);
    });
}
