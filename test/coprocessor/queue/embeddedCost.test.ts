import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { QUEUE_SCHEMA, type QueueBackend } from "../../../coprocessor/queue/bullmqBackend.ts";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { JobEndings } from "../../../coprocessor/queue/jobEndings.ts";
import type { JobConsumer, JobQueue } from "../../../coprocessor/queue/port.ts";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { collectedLog } from "../collectedLog.ts";
import { TEMPLATE } from "../store/embedded.ts";
import { done, job, until } from "./fixtures.ts";

const JOBS = 100;
const STATEMENTS_PER_JOB = 4;

const folder = mkdtempSync(join(tmpdir(), "sibyl-queue-"));
let database: EmbeddedDatabase;
let backend: QueueBackend;
let node: JobQueue;
let worker: JobConsumer;
/** What the queue asked of its database. */
let asked: string[] = [];

beforeAll(async () => {
  const log = collectedLog();
  const directory = join(folder, "db");
  database = await openEmbeddedDatabase({ directory, searchPath: QUEUE_SCHEMA, template: TEMPLATE, log });
  const { pool } = database;
  const query = pool.query.bind(pool);
  pool.query = (text, params) => {
    asked.push(text.replace(/--.*\n/g, "").trim());
    return query(text, params);
  };
  backend = { type: "postgres", pool, endings: new JobEndings() };
  node = await createBullmqQueue({ backend, log });
  worker = await createBullmqConsumer({ backend, log, concurrency: 4 });
}, 60_000);
afterAll(async () => {
  await worker.close();
  await node.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

test("embedded, at load: a job costs few statements, is removed once, and leaves no events that nobody reads", async () => {
  let told = 0;
  node.onOutcome(async (key) => {
    await node.remove(key);
    // As a node does: once when the outcome is stored, and once when the request is over.
    await node.remove(key);
    told += 1;
  });
  await worker.run(async () => done());
  asked = [];
  await Promise.all(Array.from({ length: JOBS }, (_, index) => node.add(job(`${index}`), 1 + (index % 5))));
  await until("all outcomes", () => (told === JOBS ? true : null));
  expect(asked.filter((text) => text.startsWith("SELECT remove("))).toHaveLength(JOBS);
  expect(asked.length).toBeLessThanOrEqual(STATEMENTS_PER_JOB * JOBS);
  const { rows } = await database.pool.query("select count(*)::int as events from event where queue <> $1", [
    "",
  ]);
  expect(rows).toEqual([{ events: 0 }]);
}, 30_000);

test("removed while it is added again: it is still there to be removed later", async () => {
  const lone = await createBullmqQueue({ backend, namespace: "lone", log: collectedLog() });
  try {
    const again = job("again");
    await lone.add(again);
    await Promise.all([lone.remove(again.key), lone.add(again)]);
    expect(await lone.counts()).toMatchObject({ waiting: 1 });
    await lone.remove(again.key);
    expect(await lone.counts()).toMatchObject({ waiting: 0 });
  } finally {
    await lone.close();
  }
});
