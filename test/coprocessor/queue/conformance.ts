import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { BullmqConsumerOptions } from "../../../coprocessor/queue/bullmqConsumer.ts";
import type { BullmqQueueOptions } from "../../../coprocessor/queue/bullmqQueue.ts";
import type { JobConsumer, JobQueue } from "../../../coprocessor/queue/port.ts";
import { capabilityConformance } from "./capabilityConformance.ts";
import { failureConformance } from "./failureConformance.ts";
import { collect, done, job, signal, until } from "./fixtures.ts";
import { largePayloadConformance } from "./largePayloadConformance.ts";

/** A backend to be tested; each namespace is an empty queue. */
export interface QueueUnderTest {
  queue(namespace: string, options?: Partial<BullmqQueueOptions>): Promise<JobQueue>;
  consumer(namespace: string, options?: Partial<BullmqConsumerOptions>): Promise<JobConsumer>;
  /** Adds a job as another release might, past our own checks. */
  addRaw(namespace: string, jobId: string, data: unknown): Promise<void>;
  hasJob(namespace: string, jobId: string): Promise<boolean>;
  close(): Promise<void>;
}

/** What every implementation of the queue ports must do. */
export function queueConformance(
  name: string,
  open: () => Promise<QueueUnderTest>,
  skip: string | false,
): void {
  describe.skipIf(skip !== false)(`queue on ${name}${skip === false ? "" : ` (skipped: ${skip})`}`, () => {
    let subject: QueueUnderTest;
    let namespace = "";
    let count = 0;
    const opened: { close(): Promise<void> }[] = [];
    beforeAll(async () => {
      subject = await open();
    }, 60_000);
    afterEach(async () => {
      for (const end of opened.splice(0).reverse()) await end.close();
    });
    afterAll(() => subject?.close());

    const queue = async (options = {}) => {
      const end = await subject.queue(namespace, options);
      opened.push(end);
      return end;
    };
    const consumer = async (options = {}) => {
      const end = await subject.consumer(namespace, options);
      opened.push(end);
      return end;
    };
    const fresh = (title: string, body: () => Promise<void>) =>
      test(title, async () => {
        count += 1;
        namespace = `test-${count}`;
        await body();
      }, 30_000);

    fresh("a job reaches the worker as it was added, and its outcome comes back", async () => {
      const [node, worker] = [await queue(), await consumer()];
      const told = collect(node);
      const seen: unknown[] = [];
      await worker.run(async (one) => {
        seen.push(one);
        return done("0xabcd");
      });
      const added = job("a");
      await node.add(added);
      await until("the outcome", () => told[0] ?? null);
      expect(seen).toEqual([added]);
      expect(told).toEqual([{ key: added.key, outcome: done("0xabcd") }]);
    });

    fresh("an outcome comes soon: within 250 ms of adding an instant job", async () => {
      const [node, worker] = [await queue(), await consumer()];
      const told = collect(node);
      await worker.run(async () => done());
      const times: number[] = [];
      for (let index = 0; index < 10; index++) {
        const start = performance.now();
        await node.add(job(`${index}`));
        await until("the outcome", () => told[index] ?? null);
        times.push(performance.now() - start);
      }
      times.sort((a, b) => a - b);
      expect(times[5]).toBeLessThan(250);
    });

    fresh("a job that waits, runs or has an outcome is not added again; a removed one is", async () => {
      const [node, worker] = [await queue(), await consumer()];
      await node.add(job("a"));
      await node.add(job("a"));
      expect(await node.counts()).toEqual({ waiting: 1, active: 0, parked: 0 });
      const told = collect(node);
      const finish = signal();
      let runs = 0;
      await worker.run(async () => {
        runs += 1;
        await finish.promise;
        return done();
      });
      await until("the run", () => (runs === 1 ? true : null));
      await node.add(job("a"));
      expect(await node.counts()).toEqual({ waiting: 0, active: 1, parked: 0 });
      finish.fire();
      await until("the outcome", () => told[0] ?? null);
      await node.add(job("a"));
      expect(await node.counts()).toEqual({ waiting: 0, active: 0, parked: 0 });
      await node.remove(job("a").key);
      await node.add(job("a"));
      await until("the second outcome", () => told[1] ?? null);
      expect(runs).toBe(2);
    });

    fresh(
      "outcomes of jobs that ended while no node listened are told at start, until they are removed",
      async () => {
        const [first, worker] = [await queue(), await consumer()];
        await first.add(job("a"));
        await first.add(job("b"));
        let runs = 0;
        await worker.run(async (one) => {
          runs += 1;
          if (one.key === job("b").key)
            throw new CoprocessorError("no such model", { code: "model/not-found", retry: "never" });
          return done();
        });
        await until("both to end", async () =>
          runs === 2 && (await first.counts()).active === 0 ? true : null,
        );
        for (let start = 0; start < 2; start++) {
          const node = await subject.queue(namespace);
          const told = collect(node);
          await until("both outcomes", () => (told.length >= 2 ? true : null));
          expect(new Map(told.map(({ key, outcome }) => [key, outcome]))).toEqual(
            new Map([
              [job("a").key, done()],
              [job("b").key, { status: "failed", code: "model/not-found", message: "no such model" }],
            ]),
          );
          if (start === 1) for (const { key } of told) await node.remove(key);
          await node.close();
        }
        expect(await first.counts()).toEqual({ waiting: 0, active: 0, parked: 0 });
        expect(runs).toBe(2);
      },
    );

    capabilityConformance({ queue, consumer, fresh });
    largePayloadConformance({ queue, consumer, fresh });
    failureConformance({ queue, consumer, fresh, addRaw: (id, data) => subject.addRaw(namespace, id, data) });

    fresh("removing a waiting job forgets it; removing a running one drops its outcome", async () => {
      const [node, worker] = [await queue(), await consumer()];
      await node.add(job("waiting"));
      await node.remove(job("waiting").key);
      expect(await node.counts()).toEqual({ waiting: 0, active: 0, parked: 0 });
      await node.remove(job("never added").key);

      const told = collect(node);
      const [started, finish] = [signal(), signal()];
      await worker.run(async ({ key }) => {
        if (key === job("running").key) {
          started.fire();
          await finish.promise;
        }
        return done();
      });
      await node.add(job("running"));
      await started.promise;
      await node.remove(job("running").key);
      expect(await subject.hasJob(namespace, job("running").key)).toBe(true);
      finish.fire();
      await until("the job to go", async () =>
        (await subject.hasJob(namespace, job("running").key)) ? null : true,
      );
      expect(told).toEqual([]);
    });

    fresh("a running job that was removed and added again is told after all", async () => {
      const [node, worker] = [await queue(), await consumer()];
      const told = collect(node);
      const [started, finish] = [signal(), signal()];
      await worker.run(async () => {
        started.fire();
        await finish.promise;
        return done();
      });
      await node.add(job("a"));
      await started.promise;
      await node.remove(job("a").key);
      await node.add(job("a"));
      finish.fire();
      await until("the outcome", () => told[0] ?? null);
    });

    fresh("two workers share the jobs, each runs once, up to its concurrency", async () => {
      const [node, a, b] = [
        await queue(),
        await consumer({ concurrency: 2 }),
        await consumer({ concurrency: 2 }),
      ];
      const told = collect(node);
      const running = { a: 0, b: 0 };
      const most = { a: 0, b: 0 };
      const runs: string[] = [];
      const handler = (name: "a" | "b") => async (one: { key: string }) => {
        runs.push(one.key);
        running[name] += 1;
        most[name] = Math.max(most[name], running[name]);
        await until("the others", () => (runs.length >= 4 ? true : null));
        running[name] -= 1;
        return done();
      };
      await a.run(handler("a"));
      await b.run(handler("b"));
      const labels = Array.from({ length: 30 }, (_, index) => `${index}`);
      await Promise.all(labels.map((label) => node.add(job(label))));
      await until("all outcomes", () => (told.length === labels.length ? true : null));
      expect([...runs].sort()).toEqual(labels.map((label) => job(label).key).sort());
      expect(most).toEqual({ a: 2, b: 2 });
    });

    fresh("the more urgent first, and equal ones in the order of adding", async () => {
      const [node, worker] = [await queue(), await consumer({ concurrency: 1 })];
      for (const [label, priority] of [
        ["late", 2 ** 21 - 1],
        ["first", 7],
        ["second", 7],
        ["urgent", 1],
      ] as const)
        await node.add(job(label), priority);
      expect(await node.counts()).toMatchObject({ waiting: 4 });
      const order: string[] = [];
      await worker.run(async ({ key }) => {
        order.push(key);
        return done();
      });
      await until("all jobs", () => (order.length === 4 ? true : null));
      expect(order).toEqual(["urgent", "first", "second", "late"].map((label) => job(label).key));
    });

    fresh("namespaces are apart: one operator's jobs are not another's", async () => {
      const mine = await queue();
      namespace = `${namespace}-other`;
      const theirs = await queue();
      await mine.add(job("a"));
      expect((await mine.counts()).waiting).toBe(1);
      expect((await theirs.counts()).waiting).toBe(0);
    });

    fresh("closing a worker waits for the job that runs", async () => {
      const [node, worker] = [await queue(), await subject.consumer(namespace)];
      const told = collect(node);
      const [started, finish] = [signal(), signal()];
      await worker.run(async () => {
        started.fire();
        await finish.promise;
        return done();
      });
      await node.add(job("a"));
      await started.promise;
      const closing = worker.close();
      await node.add(job("b"));
      finish.fire();
      await closing;
      await until("the outcome", () => told[0] ?? null);
      expect(told.map(({ key }) => key)).toEqual([job("a").key]);
      expect(await node.counts()).toMatchObject({ waiting: 1, active: 0 });
    });
  });
}
