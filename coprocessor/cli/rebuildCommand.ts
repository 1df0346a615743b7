import { resolve } from "node:path";
import { Command } from "commander";
import { readVariables } from "../config/configFile.ts";
import { oneOf, readOracles } from "../config/oraclesConfig.ts";

const PLAN = `sibyl rebuild
  takes back what this operator's database has from the chain: requests, operators, seats, models, the cursor
  keeps what was signed, what peers said, receipts, and the outbox with its nonces
  then reads the chain again from START_BLOCK to its head, and ends
The node must not run. Say --yes to do it.`;

export function rebuildCommand(): Command {
  return new Command("rebuild")
    .description("Makes an operator's rows anew from the chain, while its node does not run.")
    .option("--config <path>", "a file of NAME=value lines below the environment")
    .option("--oracle <name>", "which one, if ORACLES names several")
    .option("--yes", "do it; without it, only say what would be done")
    .action(async (options: { config?: string; oracle?: string; yes?: boolean }) => {
      const path = options.config === undefined ? null : resolve(options.config);
      const { name, config } = oneOf(readOracles(readVariables(path, process.env)), options.oracle);
      if (options.yes !== true) return console.log(PLAN);
      const { rebuild } = await import("../compose/rebuild.ts");
      let told = -1;
      const result = await rebuild(config, name === null, ({ block, head, requests }) => {
        const first = config.startBlock;
        const percent = head <= first ? 100 : Number(((block - first) * 100n) / (head - first));
        if (percent === told) return;
        told = percent;
        console.error(`${percent}% block ${block} of ${head}, ${requests} requests seen`);
      });
      const { forgotten, requests, head } = result;
      console.log(JSON.stringify({ forgotten, requests, head: head.toString() }, replaceBigint, 2));
      process.exit(0);
    });
}

const replaceBigint = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? value.toString() : value;
