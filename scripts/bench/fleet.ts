/**
 * Jobs per second through a node's queue and its workers, on a Redis of its own:
 *
 *     npm run bench:fleet [-- --json] [--seconds 10] [--workers 1,2,4]
 *
 * Two models. `iris` answers at once, so what is measured is the way there and back; beside it, in turns, BullMQ alone
 * moves the same payload through as many processes that do nothing. `ocr-line` is bound by the processor (convolutions; a
 * language model would be bound by memory), so what is measured is what a further worker adds; `speedup` is by one
 * worker's rate. Beside it, in turns, the engine runs it in as many processes without a queue, and
 * `engineSpeedup` is what the machine has to give.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { fetchWeights } from "../models/weights.ts";
import { Teardown } from "../network/teardown.ts";
import { ensureRedis, startRedis } from "../services/redis.ts";
import { openBare, openBenchWorkbench, openEngine, openFleet, payloadOf } from "./fleetLoads.ts";
import { measureFeeds } from "./jobFeed.ts";

interface Row {
  model: string;
  workers: number;
  jobsPerSec: number;
  /** BullMQ alone; null where the model, and not the queue, is the limit. */
  bareJobsPerSec: number | null;
  /** The fleet's rate by the bare one's. */
  ratio: number | null;
  /** By the rate with one worker. */
  speedup: number;
  /** The engine alone, in as many processes; null where the queue, and not the model, is the limit. */
  engineJobsPerSec: number | null;
  /** By its rate with one process. */
  engineSpeedup: number | null;
}

const INSTANT = "iris";
const MODELS = [
  { name: INSTANT, golden: 0, concurrency: 32 },
  // Its widest line, and as many jobs as a worker holds for one thread.
  { name: "ocr-line", golden: 3, concurrency: 4 },
];
/** Of each worker, of the instant model and then of the measured one. */
const WARM_UP_JOBS = { instant: 5_000, own: 60 };

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "10" },
    workers: { type: "string", default: "1,2,4" },
  },
});
const counts = values.workers.split(",").map(Number);
const forMs = Number(values.seconds) * 1000;
if (!(forMs > 0 && counts.every((count) => Number.isInteger(count) && count > 0 && count <= 64)))
  throw new Error("--seconds is above 0, --workers a list of counts from 1 to 64");

const redis = await ensureRedis();
if ("unavailable" in redis) throw new Error(`no Redis: ${redis.unavailable}`);
const teardown = new Teardown();
const rows: Row[] = [];
/** Rates with the first count of workers. */
const firsts = new Map<string, { jobsPerSec: number; besidePerSec: number }>();
try {
  const server = await startRedis(redis);
  teardown.add("Redis", () => server.stop());
  const workbench = openBenchWorkbench(1);
  teardown.add("workbench", () => workbench.close());
  const instant = await payloadOf(INSTANT, workbench);
  for (const { name, golden, concurrency } of MODELS) {
    await fetchWeights(name);
    const payload = await payloadOf(name, workbench, golden);
    const isInstant = name === INSTANT;
    for (const workers of counts) {
      const fleet = { url: server.url, workers, concurrency, teardown };
      const feeds = [
        await openFleet(fleet),
        await (isInstant ? openBare(fleet, payload.outcome) : openEngine(fleet)),
      ];
      // A slow model's own jobs are too few for a runtime to compile what the way there and back takes.
      const warmUp = [
        { payload: instant, jobs: workers * WARM_UP_JOBS.instant },
        { payload, jobs: workers * WARM_UP_JOBS.own },
      ];
      const load = { payload, inFlight: workers * concurrency, warmUp, forMs };
      const [jobsPerSec = 0, besidePerSec = 0] = await measureFeeds(feeds, load);
      for (const feed of feeds) await feed.close();
      const first = firsts.get(name) ?? { jobsPerSec, besidePerSec };
      firsts.set(name, first);
      const row: Row = {
        model: name,
        workers,
        jobsPerSec: round(jobsPerSec),
        bareJobsPerSec: isInstant ? round(besidePerSec) : null,
        ratio: isInstant ? Number((jobsPerSec / besidePerSec).toFixed(3)) : null,
        speedup: Number((jobsPerSec / first.jobsPerSec).toFixed(2)),
        engineJobsPerSec: isInstant ? null : round(besidePerSec),
        engineSpeedup: isInstant ? null : Number((besidePerSec / first.besidePerSec).toFixed(2)),
      };
      rows.push(row);
      if (!values.json) console.log(row);
    }
  }
} finally {
  await teardown.run();
}
if (values.json)
  console.log(JSON.stringify({ cores: availableParallelism(), seconds: forMs / 1000, rows }, null, 2));

function round(value: number): number {
  return Number(value.toPrecision(4));
}
