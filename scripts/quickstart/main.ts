import { constants } from "node:os";
import pc from "picocolors";
import { optionsOrStatus } from "../commandLine/arguments.ts";
import { MAX_OPERATORS } from "../network/devAccounts.ts";
import type { Network } from "../network/startNetwork.ts";
import { Teardown } from "../network/teardown.ts";
import { createLiveView } from "./liveView.ts";
import { type QuickstartOptions, readOptions, USAGE } from "./options.ts";
import { createPlainView } from "./plainView.ts";
import { quickstart } from "./quickstart.ts";

/** What the model's folder offers. */
const MAX_MESSAGES = 48;

process.exit(await main(process.argv.slice(2)));

/** @returns the exit status: 0 success, 1 not all settled or failed, 2 senseless arguments, 128 + n ended by a signal. */
async function main(args: string[]): Promise<number> {
  const options = optionsOrStatus(
    () => readOptions(args, { operators: MAX_OPERATORS, messages: MAX_MESSAGES }),
    USAGE,
  );
  if (typeof options === "number") return options;
  return run(options);
}

async function run(options: QuickstartOptions): Promise<number> {
  // With --json standard output is for the JSON alone.
  const out = options.json ? process.stderr : process.stdout;
  const write = (line: string) => void out.write(`${line}\n`);
  const view = out.isTTY ? createLiveView(out, options.quorum) : createPlainView(write, options.quorum);
  const teardown = new Teardown();
  let network: Network | null = null;
  const interrupted = interruption();
  try {
    const work = quickstart(options, view, write, teardown, (started) => {
      network = started;
    });
    // What is under way when a signal comes fails as its processes end; that failure is of no interest.
    work.catch(() => undefined);
    const result = await Promise.race([work, interrupted, crash()]);
    if (typeof result === "string") {
      view.end();
      write(`\n${result}: stopping`);
      return 128 + constants.signals[result];
    }
    if (options.json) console.log(JSON.stringify(result.summary));
    if (options.once) return result.complete ? 0 : 1;
    // Kept running until somebody stops it: to be stopped is then how it ends well.
    write(`\n${await Promise.race([interrupted, crash()])}: stopping`);
    return 0;
  } catch (error) {
    view.end();
    console.error(pc.red(`\n${error instanceof Error ? error.message : String(error)}`));
    if (process.env.DEBUG) console.error(error);
    keepLogs(network);
    return 1;
  } finally {
    await teardown.run();
    for (const failure of teardown.failures) console.error(failure.message);
  }
}

function keepLogs(network: Network | null): void {
  if (network === null) return;
  network.keepFolder();
  console.error(`Logs and data are kept in ${network.folder}`);
}

/** The first signal that asks us to stop; a second one does not wait. */
function interruption(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => process.exit(128 + constants.signals[signal]));
      });
    }
  });
}

function crash(): Promise<never> {
  return new Promise((_, reject) => {
    process.once("uncaughtException", reject);
    process.once("unhandledRejection", reject);
  });
}
