import { setTimeout as delay } from "node:timers/promises";
import { goldenInputs } from "../../network/goldenInputs.ts";
import type { ServedModel } from "../../network/serveModels.ts";
import type { Network } from "../../network/startNetwork.ts";
import { until } from "../../network/until.ts";
import { type Asker, createAsker } from "./asker.ts";
import { BlockClock } from "./blockClock.ts";
import { type CpuSeconds, cpuSeconds, cpuSince } from "./cpuTime.ts";
import { monotonicUs } from "./stages.ts";

export interface LoadFigures {
  settledPerSec: number;
  /** From the block of a request to the block of its callback, in milliseconds, at full load. */
  p50Ms: number;
  p95Ms: number;
  /** The same with one request at a time. */
  lowLoadP50Ms: number;
  lowLoadP95Ms: number;
  /** Of all processes but the asker. */
  cpuSecPerRequest: number;
  cpuSecPerRequestOf: CpuSeconds;
  /** When the full load was measured, in microseconds of the monotonic clock, and what was settled meanwhile. */
  spanUs: [number, number];
  settled: number;
}

export interface Load {
  quorum: number;
  /** Requests that are open at any time. */
  inFlight: number;
  forMs: number;
}

const WARM_UP_SETTLED = 50;
const LOW_LOAD_REQUESTS = 12;
const ANSWER_TIMEOUT_MS = 120_000;
const TOP_UP_EVERY_MS = 20;

/** Asks one at a time, then keeps many open and counts what is settled. */
export async function measureLoad(network: Network, model: ServedModel, load: Load): Promise<LoadFigures> {
  const { client, protocol, operators } = network;
  const { modelId } = model;
  const inputs = goldenInputs(model);
  const policy = { committeeSize: operators.length, quorum: load.quorum };
  const asker = await createAsker(network, { modelId, inputs, ...policy });
  const head = await client.reader.getBlockNumber();
  const clock = new BlockClock(client.rpcUrl, protocol.oracle, head + 1n);
  clock.start();
  const allSettled = () =>
    until("all answers", () => (clock.open === 0 ? true : null), {
      timeoutMs: ANSWER_TIMEOUT_MS,
      everyMs: TOP_UP_EVERY_MS,
      failure: () => clock.failure,
    });
  try {
    for (let asked = 0; asked < LOW_LOAD_REQUESTS; asked += 1) {
      await asker.ask();
      await until("the request's block", () => (clock.openedMs.size > asked ? true : null), {
        timeoutMs: ANSWER_TIMEOUT_MS,
        everyMs: TOP_UP_EVERY_MS,
      });
      await allSettled();
    }
    // The first one pays for what is opened then for good.
    const low = latencies(clock, 1);
    const full = await fullLoad(clock, asker, load);
    await allSettled();
    return {
      ...full,
      lowLoadP50Ms: percentile(low, 0.5),
      lowLoadP95Ms: percentile(low, 0.95),
    };
  } finally {
    await clock.stop();
  }
}

async function fullLoad(
  clock: BlockClock,
  asker: Asker,
  { inFlight, forMs }: Load,
): Promise<Omit<LoadFigures, "lowLoadP50Ms" | "lowLoadP95Ms">> {
  const before = clock.settledMs.size;
  let asked = clock.openedMs.size;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      if (clock.failure !== null) throw clock.failure;
      const missing = inFlight - (asked - clock.settledMs.size);
      asked += missing;
      await Promise.all(Array.from({ length: missing }, () => asker.ask()));
      await delay(TOP_UP_EVERY_MS);
    }
  })();
  asking.catch(() => {}); // told below
  const warm = () => (clock.settledMs.size >= before + WARM_UP_SETTLED ? true : null);
  await until("the first answers", warm, { timeoutMs: ANSWER_TIMEOUT_MS, everyMs: TOP_UP_EVERY_MS });
  const cpu = cpuSeconds();
  const [startUs, startMs, first] = [monotonicUs(), performance.now(), clock.settledMs.size];
  await delay(forMs);
  const [endMs, endUs] = [performance.now(), monotonicUs()];
  const used = cpuSince(cpu);
  const settled = clock.settledMs.size - first;
  isOver = true;
  await asking;
  const times = latencies(clock, first, first + settled);
  const each = Object.entries(used).map(([kind, seconds]) => [kind, seconds / settled]);
  return {
    settledPerSec: (settled * 1_000) / (endMs - startMs),
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
    cpuSecPerRequest: Object.values<number>({ ...used }).reduce((sum, one) => sum + one, 0) / settled,
    cpuSecPerRequestOf: Object.fromEntries(each) as unknown as CpuSeconds,
    spanUs: [startUs, endUs],
    settled,
  };
}

/** Of the answers from one place on, in the order of the answers. */
function latencies({ settledMs, openedMs }: BlockClock, from: number, to?: number): number[] {
  return [...settledMs]
    .slice(from, to)
    .map(([requestId, ms]) => ms - (openedMs.get(requestId) as number))
    .sort((a, b) => a - b);
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
