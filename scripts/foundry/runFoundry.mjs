import { spawn } from "node:child_process";
import { constants } from "node:os";
import { foundryBinary } from "./foundryBinary.mjs";

/**
 * Runs a Foundry tool in place of this process: same arguments, same streams, its exit status, our signals.
 *
 * @param {"forge" | "anvil"} name
 * @param {string[]} args
 */
export function runFoundry(name, args) {
  const child = spawn(foundryBinary(name), args, { stdio: "inherit" });
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`${name}: ${error.message}`);
    process.exit(127);
  });
  // A shell reports death by a signal as 128 + its number; so do we.
  child.on("exit", (status, signal) =>
    process.exit(status ?? 128 + (signal ? constants.signals[signal] : 0)),
  );
}
