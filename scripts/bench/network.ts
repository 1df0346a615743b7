/**
 * Whole networks under load, from a request's block to its callback, beside what their parts do alone:
 *
 *     npm run bench:network [-- --json] [--operators 3,5] [--quorum 2,3] [--blocks 1000,0] [--mode embedded,redis]
 *                              [--seconds 15] [--in-flight 150]
 *
 * The model answers at once, so what is measured is everything around it. Each row is measured twice: with one request at a
 * time, and with many open all the time. The last network runs once more under V8's profiler, which says what the nodes spend
 * their time on.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { goldenInputs } from "../network/goldenInputs.ts";
import { startNetwork } from "../network/startNetwork.ts";
import { Teardown } from "../network/teardown.ts";
import { ensureRedis, startRedis } from "../services/redis.ts";
import { type AloneFigures, measureAnvil, measureParts } from "./network/alone.ts";
import { type LoadFigures, measureLoad } from "./network/measure.ts";
import { stageSeconds } from "./network/stages.ts";

interface Row extends Omit<LoadFigures, "spanUs" | "settled"> {
  operators: number;
  quorum: number;
  /** 0: a block for each transaction, and one a second. */
  blockTimeMs: number;
  mode: string;
}

interface Setting {
  operators: number;
  blockTimeMs: number;
  mode: string;
}

/** What three operators that must agree owe, with a block a second. */
const LEAST_SETTLED_PER_SEC = 40;
const MOST_OVER_BLOCK_MS = 500;
const BLOCK_MS = 1_000;
const MODEL = "iris";
const COMMAND = join(import.meta.dirname, "..", "..", "coprocessor", "bin", "sibyl.js");

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    operators: { type: "string", default: "3,5" },
    quorum: { type: "string", default: "2,3" },
    blocks: { type: "string", default: "1000,0" },
    mode: { type: "string", default: "embedded,redis" },
    seconds: { type: "string", default: "15" },
    "in-flight": { type: "string", default: "150" },
  },
});
const forMs = (numbers("seconds", values.seconds, 1, 600)[0] as number) * 1_000;
const [inFlight] = numbers("in-flight", values["in-flight"], 1, 2_000) as [number];
const quorums = numbers("quorum", values.quorum, 1, 8);
const modes = values.mode.split(",");
const foreign = modes.find((mode) => mode !== "embedded" && mode !== "redis");
if (foreign !== undefined) throw new Error(`--mode is embedded, redis or both, not ${foreign}`);
const settings: Setting[] = modes.flatMap((mode) =>
  numbers("operators", values.operators, 1, 10).flatMap((operators) =>
    numbers("blocks", values.blocks, 0, 60_000).map((blockTimeMs) => ({ operators, blockTimeMs, mode })),
  ),
);
process.exit(await main());

/** @returns the exit status: 1 when a bound does not hold. */
async function main(): Promise<number> {
  const rows: Row[] = [];
  const missed: string[] = [];
  let alone: AloneFigures | null = null;
  for (const setting of settings) {
    await onNetwork(setting, [], async (network, model, redisUrl, teardown) => {
      for (const quorum of quorums.filter((count) => count <= setting.operators)) {
        const {
          spanUs: _,
          settled: __,
          ...figures
        } = await measureLoad(network, model, { quorum, inFlight, forMs });
        const row = rounded({ ...setting, quorum, ...figures });
        rows.push(row);
        missed.push(...missedBounds(row));
        if (!values.json) console.log(row);
      }
      if (setting !== settings.at(-1)) return;
      await Promise.all(network.operators.map((operator) => operator.stop()));
      const inputs = goldenInputs(model);
      alone = rounded({
        ...(await measureAnvil(network, model.modelId, inputs)),
        ...(await measureParts(model, inputs[0] as `0x${string}`, { redisUrl, forMs: 3_000, teardown })),
      });
      if (!values.json) console.log("alone:", alone);
    });
  }
  const stages = await profiled(settings.at(-1) as Setting);
  if (!values.json) console.log("seconds of the nodes' main threads per request, by stage:", stages);
  else
    console.log(
      JSON.stringify({ cores: availableParallelism(), inFlight, rows, alone, stages, missed }, null, 2),
    );
  for (const line of missed) console.error(`missed: ${line}`);
  return missed.length === 0 ? 0 : 1;
}

type OnNetwork = (
  network: Awaited<ReturnType<typeof startNetwork>>,
  model: Awaited<ReturnType<Awaited<ReturnType<typeof startNetwork>>["addModel"]>>,
  redisUrl: string | null,
  teardown: Teardown,
) => Promise<void>;

async function onNetwork(
  { operators, blockTimeMs, mode }: Setting,
  nodeOptions: readonly string[],
  work: OnNetwork,
): Promise<void> {
  const teardown = new Teardown();
  const onSignal = () => void teardown.run().then(() => process.exit(1));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, onSignal);
  try {
    const redisUrl = mode === "redis" ? await openRedis(teardown) : null;
    const network = await startNetwork({
      teardown,
      operators,
      blockTime: blockTimeMs === 0 ? 1 : blockTimeMs / 1_000,
      instantBlocks: blockTimeMs === 0,
      // Everybody is drawn at once.
      parameters: { roundSeconds: 5, overdrawBps: 30_000 },
      command: [...nodeOptions, COMMAND, "node"],
      ...(redisUrl === null ? {} : { queueUrl: redisUrl }),
    });
    await work(network, await network.addModel(MODEL), redisUrl, teardown);
  } finally {
    await teardown.run();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
  }
}

/** Runs a network once more under the profiler. @returns seconds per request and stage, of all its nodes. */
async function profiled(setting: Setting): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), "sibyl-profiles-"));
  try {
    let figures: LoadFigures | null = null;
    await onNetwork(setting, ["--cpu-prof", `--cpu-prof-dir=${folder}`], async (network, model) => {
      const quorum = Math.max(...quorums.filter((count) => count <= setting.operators));
      figures = await measureLoad(network, model, { quorum, inFlight, forMs });
      // A profile is written when its process ends.
      await Promise.all(network.operators.map((operator) => operator.stop()));
    });
    if (figures === null) return {};
    const { spanUs, settled } = figures as LoadFigures;
    const seconds = stageSeconds(folder, ...spanUs);
    return rounded(Object.fromEntries(Object.entries(seconds).map(([stage, all]) => [stage, all / settled])));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openRedis(teardown: Teardown): Promise<string> {
  const redis = await ensureRedis();
  if ("unavailable" in redis) throw new Error(`no Redis: ${redis.unavailable}`);
  const server = await startRedis(redis);
  teardown.add("Redis", () => server.stop());
  return server.url;
}

function missedBounds({ operators, quorum, blockTimeMs, mode, settledPerSec, lowLoadP50Ms }: Row): string[] {
  if (operators !== 3 || quorum !== 3 || blockTimeMs !== BLOCK_MS) return [];
  const missed: string[] = [];
  if (settledPerSec < LEAST_SETTLED_PER_SEC)
    missed.push(`${mode}: ${settledPerSec} settled a second, at least ${LEAST_SETTLED_PER_SEC}`);
  if (lowLoadP50Ms > BLOCK_MS + MOST_OVER_BLOCK_MS)
    missed.push(`${mode}: ${lowLoadP50Ms} ms at low load, at most ${BLOCK_MS + MOST_OVER_BLOCK_MS}`);
  return missed;
}

/** @throws Error when the list holds anything but whole numbers in the range. */
function numbers(name: string, text: string, lowest: number, highest: number): number[] {
  return text.split(",").map((one) => {
    const value = Number(one);
    if (/^\d+$/.test(one) && value >= lowest && value <= highest) return value;
    throw new Error(`--${name} is whole numbers from ${lowest} to ${highest}, not ${text}`);
  });
}

function rounded<T extends object>(figures: T): T {
  const round = (value: unknown): unknown => {
    if (typeof value === "number") return Number(value.toPrecision(4));
    return typeof value === "object" && value !== null ? rounded(value) : value;
  };
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, round(value)])) as T;
}
