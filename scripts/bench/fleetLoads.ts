import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type JobOutcome, openJobQueue, type Workbench } from "@sibyl/coprocessor";
import { encodeInput, modelId, parseManifest } from "@sibyl/sdk";
import { createRedisBackend, Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import { type Hex, toHex } from "viem";
import { endWithUs } from "../network/endWithUs.ts";
import type { Teardown } from "../network/teardown.ts";
import { startWorkerProcess } from "../network/workerProcess.ts";

const WARM_UP_MS = 2_000;
const MODELS = resolve("models");

/** What one job carries there and back. */
export interface Payload {
  modelId: Hex;
  input: Hex;
  outcome: Extract<JobOutcome, { status: "done" }>;
}

export interface Load {
  url: string;
  workers: number;
  /** Jobs that are on their way at any time, for each worker. */
  inFlight: number;
  forMs: number;
  payload: Payload;
  teardown: Teardown;
}

/** A model's first golden input, and what it makes of it here. */
export async function payloadOf(name: string, { models, engine }: Workbench): Promise<Payload> {
  const folder = join(MODELS, name);
  const manifest = parseManifest(readFileSync(join(folder, "manifest.json")));
  const { cases } = JSON.parse(readFileSync(join(folder, "goldens.json"), "utf8")) as {
    cases: { input?: Hex; value?: string }[];
  };
  const input = cases[0]?.input ?? encodeInput(manifest.input.codec, cases[0]?.value ?? "");
  const model = await models.resolve(modelId(manifest), "");
  const result = await engine.run(model, input, { timeoutMs: 60_000 });
  return { modelId: modelId(manifest), input, outcome: { status: "done", ...result } };
}

let measured = 0;

/** @returns Jobs per second, from handing a job to the queue to having stored its answer and removed it. */
export async function measureFleet({
  url,
  workers,
  inFlight,
  forMs,
  payload,
  teardown,
}: Load): Promise<number> {
  measured += 1;
  const namespace = `fleet-${measured}`;
  const folder = mkdtempSync(join(tmpdir(), "sibyl-fleet-"));
  const env = {
    QUEUE_URL: url,
    QUEUE_NAMESPACE: namespace,
    MODEL_FOLDERS: MODELS,
    INFERENCE_THREADS: "1",
    LOG_LEVEL: "info",
    DATA_DIR: join(folder, "data"),
    WORKER_QUEUES: `inference:${inFlight}`,
  };
  const processes = await Promise.all(
    Array.from({ length: workers }, (_, index) => {
      const name = `${namespace} worker ${index + 1}`;
      return startWorkerProcess({ name, folder: join(folder, `${index}`), env, teardown });
    }),
  );
  const queue = await openJobQueue({ url, namespace });
  const { modelId: model, input } = payload;
  try {
    return await rate(forMs, workers * inFlight, {
      onDone(done) {
        queue.onOutcome(async (key, outcome) => {
          if (outcome.status === "failed") throw new Error(`${outcome.code}: ${outcome.message}`);
          await queue.remove(key);
          done(key);
        });
      },
      add: (key) =>
        queue.add({
          version: 1,
          key,
          modelId: model,
          manifestURI: "",
          input,
          deadlineMs: Date.now() + 600_000,
        }),
    });
  } finally {
    await queue.close();
    await Promise.all(processes.map((worker) => worker.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns Jobs per second with nothing but BullMQ, as many processes, and the same bytes there and back. */
export async function measureBare({
  url,
  workers,
  inFlight,
  forMs,
  payload,
  teardown,
}: Load): Promise<number> {
  measured += 1;
  const prefix = `{bare-${measured}}`;
  const children = Array.from({ length: workers }, () =>
    spawn(
      process.execPath,
      [
        "--import",
        "tsx",
        join(import.meta.dirname, "bareWorker.ts"),
        url,
        prefix,
        String(inFlight),
        JSON.stringify(payload.outcome),
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    ),
  );
  for (const child of children)
    if (child.pid !== undefined) void once(child, "close").then(endWithUs(child.pid));
  const stops = children.map((child, index) =>
    teardown.add(`bare worker ${index + 1}`, async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }),
  );
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue("bare", { connection, prefix }, createRedisBackend);
  const events = new QueueEvents("bare", { connection, prefix }, createRedisBackend);
  try {
    await Promise.all(children.map(async (child) => once(createInterface({ input: child.stdout }), "line")));
    await events.waitUntilReady();
    const { modelId: model, input } = payload;
    return await rate(forMs, workers * inFlight, {
      onDone: (done) => events.on("completed", ({ jobId }) => done(jobId)),
      add: async (key) => {
        const data = { version: 1, key, modelId: model, manifestURI: "", input, deadlineMs: Date.now() };
        await queue.add("infer", data, { jobId: key, removeOnComplete: true });
      },
    });
  } finally {
    await events.close();
    await queue.close();
    connection.disconnect();
    for (const stop of stops) await stop();
  }
}

/** Keeps a number of jobs on their way, and counts what comes back once it runs evenly. */
async function rate(
  forMs: number,
  inFlight: number,
  queue: { onDone(done: (key: string) => void): void; add(key: string): Promise<void> },
): Promise<number> {
  const waiting = new Map<string, () => void>();
  queue.onDone((key) => {
    waiting.get(key)?.();
    waiting.delete(key);
  });
  let added = 0;
  let done = 0;
  const startMs = performance.now() + WARM_UP_MS;
  const endMs = startMs + forMs;
  const lane = async () => {
    while (performance.now() < endMs) {
      added += 1;
      const key = `31337-0x${"0".repeat(40)}-${toHex(added, { size: 32 })}`;
      const answered = new Promise<void>((resolve) => waiting.set(key, resolve));
      await queue.add(key);
      await answered;
      const now = performance.now();
      if (now >= startMs && now <= endMs) done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (done * 1000) / forMs;
}
