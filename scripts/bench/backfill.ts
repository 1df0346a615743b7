import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { operatorAttester, privateKeyOf } from "../network/devAccounts.ts";
import { type OperatorProcess, startOperatorProcess } from "../network/operatorProcess.ts";
import { databaseTemplate } from "../network/startNetwork.ts";
import { Teardown } from "../network/teardown.ts";
import { type BusyWeek, startBusyWeek } from "./backfill/busyWeek.ts";
import { readLog, watchMemory } from "./backfill/observeNode.ts";

const LONGEST_SECONDS = 60;
const MOST_MIB_OVER_IDLE = 300;
/** What a node needs after its start until its memory has come to rest. */
const REST_MS = 5_000;
const MIB = 2 ** 20;

const { values } = parseArgs({
  options: {
    blocks: { type: "string", default: "100000" },
    requests: { type: "string", default: "5000" },
    json: { type: "boolean", default: false },
  },
});
process.exit(await main(Number(values.blocks), Number(values.requests), values.json));

/** @returns the exit status: 1 when it took longer, or more memory, than it may. */
async function main(blocks: number, requests: number, json: boolean): Promise<number> {
  const teardown = new Teardown();
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const folder = mkdtempSync(join(tmpdir(), "sibyl-backfill-"));
  teardown.add("folder", () => rmSync(folder, { recursive: true, force: true }));
  try {
    const week = await startBusyWeek({ blocks, requests, teardown, tell });
    tell(`the chain is at block ${week.head}; a node with nothing starts`);
    const first = await measureStart(week, folder, teardown);
    await first.node.stop();
    const drawn = readLog(first.node.logFile).filter(({ msg }) => msg === "request drawn").length;
    tell("the same node starts again, with nothing left to read");
    const second = await measureStart(week, folder, teardown);
    await delay(REST_MS);
    const idleBytes = second.memory.now();
    const result = {
      blocks: Number(week.head),
      requests: week.requests,
      drawn,
      seconds: first.seconds,
      blocksPerSec: Math.round(Number(week.head) / first.seconds),
      peakMiB: Math.round(first.memory.peak() / MIB),
      idleMiB: Math.round(idleBytes / MIB),
      overIdleMiB: Math.round((first.memory.peak() - idleBytes) / MIB),
    };
    if (json) console.log(JSON.stringify(result));
    else console.table(result);
    const held =
      drawn === week.requests &&
      result.seconds <= LONGEST_SECONDS &&
      result.overIdleMiB <= MOST_MIB_OVER_IDLE;
    return held ? 0 : 1;
  } finally {
    await teardown.run();
    for (const failure of teardown.failures) console.error(failure.message);
  }
}

/** Starts a node and waits until it is ready; `seconds` from the start of its process until it had caught up. */
async function measureStart(week: BusyWeek, folder: string, teardown: Teardown) {
  const { client, protocol } = week;
  mkdirSync(join(folder, "models"), { recursive: true });
  const memory = watchMemory();
  const startedAt = Date.now();
  const node: OperatorProcess = await startOperatorProcess({
    name: "the node",
    folder,
    teardown,
    readyTimeoutMs: 600_000,
    onSpawn: (pid) => memory.watch(pid),
    env: {
      RPC_URL: client.rpcUrl,
      ORACLE_ADDRESS: protocol.oracle,
      START_BLOCK: protocol.startBlock.toString(),
      ATTESTER_KEY: privateKeyOf(operatorAttester(0)),
      DATA_DIR: join(folder, "data"),
      DATABASE_TEMPLATE: databaseTemplate(),
      MODEL_FOLDERS: join(folder, "models"),
      MODEL_PRIVATE_HOSTS: "allow",
      P2P_LISTEN: "127.0.0.1:0",
      STATUS_LISTEN: "127.0.0.1:0",
      INFERENCE_THREADS: "1",
    },
  });
  teardown.add("memory watch", () => memory.stop());
  const lines = readLog(node.logFile).filter(({ time }) => time >= startedAt);
  const caughtUp = lines.find(({ msg }) => msg === "caught up with the chain")?.time ?? Date.now();
  return { node, memory, seconds: Math.round((caughtUp - startedAt) / 100) / 10 };
}
