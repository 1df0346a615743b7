/**
 * Attacks a local network of honest operators in every way that it knows, and counts what it comes to; or measures what
 * honest operators do among themselves. `npm run adversary -- --help` names the options.
 */
import { optionsOrStatus } from "../commandLine/arguments.ts";
import { Teardown } from "../network/teardown.ts";
import { openArena, ROUND_MS } from "./arena.ts";
import { attackAll } from "./attackAll.ts";
import { ATTACKS } from "./attacks/all.ts";
import { measureGossip, missedGossipBounds } from "./gossip.ts";
import { type AdversaryOptions, readOptions, USAGE } from "./options.ts";
import { MACHINES, machineCommands, measureUnequal, missedUnequalBounds } from "./unequal.ts";

const GOSSIPING_OPERATORS = 10;

process.exit(await main(process.argv.slice(2)));

/** @returns the exit status: 0 all bounds hold, 1 one does not or it failed, 2 senseless arguments. */
async function main(args: string[]): Promise<number> {
  const options = optionsOrStatus(
    () =>
      readOptions(
        args,
        ATTACKS.map(({ name }) => name),
      ),
    USAGE,
  );
  if (typeof options === "number") return options;
  const teardown = new Teardown();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => void teardown.run().then(() => process.exit(1)));
  try {
    const { result, missed } = await run(options, teardown);
    if (options.json) console.log(JSON.stringify({ ...result, missed }, null, 2));
    else if (options.mode !== "attack") console.log(result);
    for (const line of missed) console.error(`missed: ${line}`);
    return missed.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await teardown.run();
  }
}

async function run(
  { seed, requests, attacks, mode }: AdversaryOptions,
  teardown: Teardown,
): Promise<{ result: object; missed: string[] }> {
  const say = (text: string) => console.error(text);
  switch (mode) {
    case "attack": {
      say(`seed ${seed}`);
      const arena = await openArena(teardown, { onStep: say, cuttable: true });
      const { rows, missed } = await attackAll(arena, { seed, requests, attacks, say });
      return { result: { seed, roundMs: ROUND_MS, rows }, missed };
    }
    case "unequal": {
      const envOf = (place: number) => MACHINES[place]?.env ?? {};
      const commands = await machineCommands(say);
      const commandOf = (place: number) => commands[place];
      const operators = MACHINES.length;
      const arena = await openArena(teardown, { onStep: say, operators, envOf, commandOf });
      const figures = await measureUnequal(arena, requests, (done) => say(`${done} of ${requests}`));
      return { result: figures, missed: missedUnequalBounds(figures) };
    }
    case "gossip": {
      const arena = await openArena(teardown, { onStep: say, operators: GOSSIPING_OPERATORS });
      const figures = await measureGossip(arena, requests);
      return { result: figures, missed: missedGossipBounds(figures) };
    }
  }
}
