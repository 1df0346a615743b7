import { afterEach, describe, expect, test } from "vitest";
import { createBullmqConsumer } from "../../../coprocessor/queue/bullmqConsumer.ts";
import { createBullmqQueue } from "../../../coprocessor/queue/bullmqQueue.ts";
import { JobEndings } from "../../../coprocessor/queue/jobEndings.ts";
import { createDrizzleStore } from "../../../coprocessor/store/drizzleStore.ts";
import { openEmbeddedDatabase } from "../../../coprocessor/store/embeddedDatabase.ts";
import { collectedLog } from "../collectedLog.ts";
import { collect, done, job, until } from "../queue/fixtures.ts";
import { temporaryFolder } from "./embedded.ts";

import { startVictim, type Victim } from "./victim.ts";

interface Line {
  row?: string;
  job?: string;
  running?: string;
  error?: string;
  pid?: number;
}

const SCRIPT = new URL("crashVictim.ts", import.meta.url).pathname;
const ACKNOWLEDGED = 200;
/** From kill -9 until another worker has the job. */
const TAKEOVER_MS = 10_000;

describe("a node on the embedded database, killed with kill -9", () => {
  const folder = temporaryFolder();
  let victim: Victim<Line> | null = null;
  afterEach(async () => {
    await victim?.kill();
    folder.remove();
  });

  test("no acknowledged row or job is lost, its lock is taken over, and the job under way runs again within 10 s", async () => {
    const { directory } = folder.options;
    victim = startVictim<Line>(SCRIPT, [directory]);
    const busy = victim;
    await until("acknowledged work", () => (busy.said.length >= ACKNOWLEDGED ? true : null), 60_000);
    await busy.hears("the job under way", (line) => line.running !== undefined);

    const second = startVictim<Line>(SCRIPT, [directory]);
    expect(await second.hears("the refusal", (line) => line.error !== undefined)).toEqual({
      error: "store/locked",
      pid: busy.pid,
    });
    await second.kill();

    await busy.kill();
    const killedAt = performance.now();
    const log = collectedLog();
    const database = await openEmbeddedDatabase({ ...folder.options, searchPath: "bullmq", log });
    const store = await createDrizzleStore({ database, log });
    const backend = { type: "postgres" as const, pool: database.pool, endings: new JobEndings() };
    const queue = await createBullmqQueue({ backend, log });

    const consumer = await createBullmqConsumer({ backend, log, concurrency: 8 });
    const told = collect(queue);
    let takenAfterMs = Number.POSITIVE_INFINITY;
    await consumer.run(async ({ key }) => {
      if (key === job("under way").key) takenAfterMs = performance.now() - killedAt;
      return done();
    });
    await until("the job under way", () => (Number.isFinite(takenAfterMs) ? true : null), TAKEOVER_MS);
    expect(takenAfterMs).toBeLessThan(TAKEOVER_MS);
    for (const { row } of busy.said) {
      if (row !== undefined) expect(await store.request(row)).toMatchObject({ key: row, state: "queued" });
    }
    const jobs = busy.said.flatMap((line) => (line.job === undefined ? [] : [line.job]));
    expect(jobs.length).toBeGreaterThan(50);
    await until("all acknowledged jobs", () => {
      const ended = new Set(told.map(({ key }) => key));
      return jobs.every((key) => ended.has(key)) ? true : null;
    });
    await consumer.close();
    await queue.close();
    await store.close();
    await database.close();
  }, 120_000);
});
