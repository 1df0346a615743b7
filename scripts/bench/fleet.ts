/**
 * Jobs per second through a node's queue and its workers, on a Redis of its own:
 *
 *     npm run bench:fleet [-- --json] [--seconds 5] [--workers 1,2,4]
 *
 * Two models. `iris` answers at once, so what is measured is the way there and back; beside it BullMQ alone moves the same
 * payload through as many processes that do nothing. `moby-lm` is bound by the processor, so what is measured is what a
 * further worker adds; `speedup` is by one worker's rate.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { openWorkbench } from "@sibyl/coprocessor";
import { Teardown } from "../network/teardown.ts";
import { ensureRedis, startRedis } from "../services/redis.ts";
import { measureBare, measureFleet, payloadOf } from "./fleetLoads.ts";

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
}

const MODELS = [
  { name: "iris", isInstant: true, inFlight: 32 },
  // As many as a worker holds for one thread.
  { name: "moby-lm", isInstant: false, inFlight: 4 },
];

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "5" },
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
try {
  const server = await startRedis(redis);
  teardown.add("Redis", () => server.stop());
  const workbench = openWorkbench({
    modelFolders: ["models"],
    dataDir: ".cache/bench",
    threads: 1,
    providers: { provider: "cpu", ofModel: {} },
  });
  teardown.add("workbench", () => workbench.close());
  for (const { name, isInstant, inFlight } of MODELS) {
    const payload = await payloadOf(name, workbench);
    for (const workers of counts) {
      const load = { url: server.url, workers, inFlight, forMs, payload, teardown };
      const jobsPerSec = await measureFleet(load);
      const bareJobsPerSec = isInstant ? await measureBare(load) : null;
      const first = rows.find(({ model }) => model === name)?.jobsPerSec ?? jobsPerSec;
      const row = {
        model: name,
        workers,
        jobsPerSec: round(jobsPerSec),
        bareJobsPerSec: bareJobsPerSec === null ? null : round(bareJobsPerSec),
        ratio: bareJobsPerSec === null ? null : Number((jobsPerSec / bareJobsPerSec).toFixed(3)),
        speedup: Number((jobsPerSec / first).toFixed(2)),
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
