import { openWorkbench } from "@sibyl/coprocessor";
import type { Hex } from "viem";
import type { ServedModel } from "../../network/serveModels.ts";
import type { Network } from "../../network/startNetwork.ts";
import type { Teardown } from "../../network/teardown.ts";
import { until } from "../../network/until.ts";
import { openBareLoops } from "../bareLoops.ts";
import { openBare, payloadOf } from "../fleetLoads.ts";
import { measureFeeds } from "../jobFeed.ts";
import { createAsker } from "./asker.ts";
import { BlockClock } from "./blockClock.ts";
import { cpuSeconds, cpuSince } from "./cpuTime.ts";

/** What each part does by itself on this machine, per second. */
export interface AloneFigures {
  /** Requests that anvil takes in, with nobody to answer them. */
  anvilRequestsPerSec: number;
  anvilCpuSecPerRequest: number;
  /** Jobs of the model's input and outcome through BullMQ on Redis, with a worker that does nothing. */
  bullmqJobsPerSec: number | null;
  /** Runs of the model in one process, one request each. */
  onnxRunsPerSec: number;
}

const REQUESTS = 500;
const ANVIL_TIMEOUT_MS = 60_000;

/** Measures a chain whose operators have been stopped. */
export async function measureAnvil(
  network: Network,
  modelId: Hex,
  inputs: readonly Hex[],
): Promise<Pick<AloneFigures, "anvilRequestsPerSec" | "anvilCpuSecPerRequest">> {
  const asker = await createAsker(network, { modelId, inputs, committeeSize: 3, quorum: 3 });
  const head = await network.client.reader.getBlockNumber();
  const clock = new BlockClock(network.client.rpcUrl, network.protocol.oracle, head + 1n);
  clock.start();
  const before = cpuSeconds();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: REQUESTS }, () => asker.ask()));
  await until("all requests to be in blocks", () => (clock.openedMs.size === REQUESTS ? true : null), {
    timeoutMs: ANVIL_TIMEOUT_MS,
    everyMs: 20,
  });
  const seconds = (performance.now() - startMs) / 1_000;
  const { chain } = cpuSince(before);
  await clock.stop();
  return { anvilRequestsPerSec: REQUESTS / seconds, anvilCpuSecPerRequest: chain / REQUESTS };
}

/** @param redisUrl Null where there is no Redis. */
export async function measureParts(
  { folder, manifest }: ServedModel,
  input: Hex,
  { redisUrl, forMs, teardown }: { redisUrl: string | null; forMs: number; teardown: Teardown },
): Promise<Pick<AloneFigures, "bullmqJobsPerSec" | "onnxRunsPerSec">> {
  const loops = await openBareLoops({ folder, inputs: [input] }, 1);
  const onnxRunsPerSec = await loops.measure({ work: "graph", batch: 1, forMs });
  loops.close();
  if (redisUrl === null) return { bullmqJobsPerSec: null, onnxRunsPerSec };
  const workbench = openWorkbench({
    modelFolders: ["models"],
    dataDir: ".cache/bench",
    threads: 1,
    providers: { provider: "cpu", ofModel: {} },
  });
  try {
    const payload = await payloadOf(manifest.name, workbench);
    const fleet = { url: redisUrl, workers: 1, concurrency: 32, teardown };
    const bare = await openBare(fleet, payload.outcome);
    const load = { payload, inFlight: 32, warmUp: [{ payload, jobs: 5_000 }], forMs };
    const [bullmqJobsPerSec = null] = await measureFeeds([bare], load);
    await bare.close();
    return { bullmqJobsPerSec, onnxRunsPerSec };
  } finally {
    await workbench.close();
  }
}
