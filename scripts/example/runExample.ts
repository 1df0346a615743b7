import { constants } from "node:os";
import { parseArgs } from "node:util";
import { Teardown } from "../network/teardown.ts";
import { type Example, startExample } from "./startExample.ts";

const USAGE = `npm run example -- <lending|collectible|message-board> [options]

  --once          end once the page answers: 0 if it does
  --lifetime <s>  seconds that a request may wait for its answer (60)`;

/**
 * Runs an example until somebody stops it.
 *
 * @returns the exit status: 0 well, 1 failed, 2 senseless arguments, 128 + n ended by a signal before it ran.
 */
export async function runExample(example: Example, args: string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  const teardown = new Teardown();
  const interrupted = interruption();
  try {
    const started = startExample(example, {
      teardown,
      lifetimeSeconds: options.lifetimeSeconds,
      onStep: (step) => console.log(step),
    });
    // What is under way when a signal comes fails as its processes end; that failure is of no interest.
    started.catch(() => undefined);
    const running = await Promise.race([started, interrupted]);
    if (typeof running === "string") return 128 + constants.signals[running];
    console.log(`\n${example.name} is at ${running.url}`);
    if (options.once) {
      const { status } = await fetch(running.url);
      return status === 200 ? 0 : 1;
    }
    console.log("Ctrl-C stops it.");
    console.log(`\n${await interrupted}: stopping`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await teardown.run();
    for (const failure of teardown.failures) console.error(failure.message);
  }
}

/** A string says what is wrong with the arguments. */
function readOptions(args: string[]): { once: boolean; lifetimeSeconds: number } | string {
  try {
    const { values } = parseArgs({
      args,
      options: { once: { type: "boolean", default: false }, lifetime: { type: "string", default: "60" } },
    });
    const lifetimeSeconds = Number(values.lifetime);
    if (/^\d+$/.test(values.lifetime) && lifetimeSeconds >= 5 && lifetimeSeconds <= 3_600)
      return { once: values.once, lifetimeSeconds };
    return `--lifetime is 5 to 3600 seconds, not ${values.lifetime}\n\n${USAGE}`;
  } catch (error) {
    return `${(error as Error).message}\n\n${USAGE}`;
  }
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
