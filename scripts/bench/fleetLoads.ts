import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { nodeJobOptions, openJobQueue, openWorkbench, type Workbench } from "@sibyl/coprocessor";
import { encodeInput, modelId, parseManifest } from "@sibyl/sdk";
import { createRedisBackend, Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import type { Hex } from "viem";
import { endWithUs } from "../network/endWithUs.ts";
import type { Teardown } from "../network/teardown.ts";
import { startWorkerProcess } from "../network/workerProcess.ts";
import type { JobFeed, Payload } from "./jobFeed.ts";

const MODELS = resolve("models");
/** Longer than any bench. */
const LIFETIME_MS = 600_000;

export interface Fleet {
  url: string;
  workers: number;
  /** Jobs that a worker holds at the same time. */
  concurrency: number;
  teardown: Teardown;
}

/** One of a model's golden inputs, the first unless told, and what it makes of it here. */
export async function payloadOf(name: string, { models, engine }: Workbench, golden = 0): Promise<Payload> {
  const folder = join(MODELS, name);
  const manifest = parseManifest(readFileSync(join(folder, "manifest.json")));
  const { cases } = JSON.parse(readFileSync(join(folder, "goldens.json"), "utf8")) as {
    cases: { input?: Hex; value?: string }[];
  };
  const { input: bytes, value = "" } = cases[golden] ?? {};
  const input = bytes ?? encodeInput(manifest.input.codec, value);
  const model = await models.resolve(modelId(manifest), "");
  const result = await engine.run(model, input, { timeoutMs: 60_000 });
  return { modelId: modelId(manifest), input, outcome: { status: "done", ...result } };
}

let opened = 0;

/** A node's queue and its workers: a job's answer is checked, taken and removed. */
export async function openFleet({ url, workers, concurrency, teardown }: Fleet): Promise<JobFeed> {
  opened += 1;
  const namespace = `fleet-${opened}`;
  const folder = mkdtempSync(join(tmpdir(), "sibyl-fleet-"));
  const env = {
    QUEUE_URL: url,
    QUEUE_NAMESPACE: namespace,
    MODEL_FOLDERS: MODELS,
    INFERENCE_THREADS: "1",
    LOG_LEVEL: "info",
    DATA_DIR: join(folder, "data"),
    WORKER_QUEUES: `inference:${concurrency}`,
  };
  const processes = await Promise.all(
    Array.from({ length: workers }, (_, index) => {
      const name = `${namespace} worker ${index + 1}`;
      return startWorkerProcess({ name, folder: join(folder, `${index}`), env, teardown });
    }),
  );
  const queue = await openJobQueue({ url, namespace });
  return {
    onDone(done) {
      queue.onOutcome(async (key, outcome) => {
        if (outcome.status === "failed") throw new Error(`${outcome.code}: ${outcome.message}`);
        await queue.remove(key);
        done(key);
      });
    },
    add: (key, { modelId, input }) => {
      const deadlineMs = Date.now() + LIFETIME_MS;
      return queue.add({ version: 1, key, modelId, manifestURI: "", input, deadlineMs });
    },
    async close() {
      await queue.close();
      await Promise.all(processes.map((worker) => worker.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Nothing but BullMQ: as many processes, which do nothing, the same bytes there and back, and the same options, so that a
 * job's answer is kept until it is taken here too.
 *
 * @param outcome What each of its jobs brings back.
 */
export async function openBare(
  { url, workers, concurrency, teardown }: Fleet,
  outcome: Payload["outcome"],
): Promise<JobFeed> {
  opened += 1;
  const prefix = `{bare-${opened}}`;
  const program = join(import.meta.dirname, "bareWorker.ts");
  const args = [url, prefix, String(concurrency), JSON.stringify(outcome)];
  const children = Array.from({ length: workers }, () =>
    spawn(process.execPath, ["--import", "tsx", program, ...args], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  for (const child of children)
    if (child.pid !== undefined) void once(child, "close").then(endWithUs(child.pid));
  const stops = children.map((child, index) =>
    teardown.add(`bare worker ${index + 1}`, async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }),
  );
  await Promise.all(children.map(async (child) => once(createInterface({ input: child.stdout }), "line")));
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue("bare", { connection, prefix }, createRedisBackend);
  // From the stream's start: without it the events before its first read are missed.
  const events = new QueueEvents("bare", { connection, prefix, lastEventId: "0-0" }, createRedisBackend);
  await events.waitUntilReady();
  return {
    onDone(done) {
      events.on("completed", async ({ jobId }) => {
        await queue.remove(jobId, { removeChildren: false });
        done(jobId);
      });
    },
    async add(key, { modelId, input }) {
      const deadlineMs = Date.now() + LIFETIME_MS;
      const data = { version: 1, key, modelId, manifestURI: "", input, deadlineMs };
      await queue.add("infer", data, { jobId: key, ...nodeJobOptions() });
    },
    async close() {
      await events.close();
      await queue.close();
      connection.disconnect();
      for (const stop of stops) await stop();
    },
  };
}

/**
 * Nothing but the engine: as many inference processes, and no queue before them. What a further process adds here is all that
 * the machine has to give.
 */
export async function openEngine({
  workers,
  teardown,
}: Pick<Fleet, "workers" | "teardown">): Promise<JobFeed> {
  const { models, engine, close } = openBenchWorkbench(workers);
  const stop = teardown.add("engine", close);
  let tell = (_key: string) => {};
  return {
    onDone(done) {
      tell = done;
    },
    async add(key, { modelId, input }) {
      const model = await models.resolve(modelId, "");
      void engine.run(model, input, { timeoutMs: 60_000 }).then(() => tell(key));
    },
    close: async () => void (await stop()),
  };
}

/** Models and an engine as a worker has them. @param processes Each runs one job at a time. */
export function openBenchWorkbench(processes: number): Workbench {
  return openWorkbench({
    modelFolders: [MODELS],
    dataDir: ".cache/bench",
    threads: processes,
    providers: { provider: "cpu", ofModel: {} },
  });
}
