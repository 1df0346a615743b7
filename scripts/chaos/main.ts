import { constants } from "node:os";
import { optionsOrStatus } from "../commandLine/arguments.ts";
import { Teardown } from "../network/teardown.ts";
import type { ChaosNetwork } from "./chaosNetwork.ts";
import { readOptions, USAGE } from "./options.ts";
import { runChaos, scheduleText } from "./runChaos.ts";
import { planStorm } from "./schedule.ts";
import { broken } from "./verdict.ts";

process.exit(await main(process.argv.slice(2)));

/** @returns the exit status: 0 the promise held, 1 it did not, 2 senseless arguments, 128 + n ended by a signal. */
async function main(args: string[]): Promise<number> {
  const options = optionsOrStatus(() => readOptions(args), USAGE);
  if (typeof options === "number") return options;
  const schedule = planStorm(options.seed, options.requests, options.stormMs ?? undefined);
  if (options.plan) {
    console.log(scheduleText(schedule));
    return 0;
  }
  const out = options.json ? process.stderr : process.stdout;
  const tell = (line: string) => void out.write(`${line}\n`);
  tell(scheduleText(schedule));
  const teardown = new Teardown();
  let network: ChaosNetwork | null = null;
  try {
    const work = runChaos({
      schedule,
      teardown,
      lifetimeSeconds: options.lifetimeSeconds,
      tell,
      onNetwork(started) {
        network = started;
      },
    });
    work.catch(() => undefined);
    const outcome = await Promise.race([work, interruption()]);
    if (typeof outcome === "string") return 128 + constants.signals[outcome];
    const { result, remarks } = outcome;
    for (const remark of remarks) tell(remark);
    if (options.json) console.log(JSON.stringify(result));
    else console.table(result);
    const faults = broken(result);
    for (const fault of faults) tell(`broken: ${fault}`);
    if (faults.length > 0) keep(network, tell);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error);
    keep(network, tell);
    return 1;
  } finally {
    await teardown.run();
    for (const failure of teardown.failures) console.error(failure.message);
  }
}

function keep(network: ChaosNetwork | null, tell: (line: string) => void): void {
  network?.keepFolder();
  if (network !== null) tell(`Logs and data are kept in ${network.folder}`);
}

/** The first signal that asks us to stop. */
function interruption(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => resolve(signal));
  });
}
