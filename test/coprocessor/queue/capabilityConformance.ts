import { expect } from "vitest";
import { createOtelTracing } from "../../../coprocessor/observe/otelTracing.ts";
import type { BullmqConsumerOptions } from "../../../coprocessor/queue/bullmqConsumer.ts";
import type { BullmqQueueOptions } from "../../../coprocessor/queue/bullmqQueue.ts";
import type { JobConsumer, JobQueue } from "../../../coprocessor/queue/port.ts";
import { Teardown } from "../../../scripts/network/teardown.ts";
import { startCollector } from "../../telemetry/collector.ts";
import { collectedLog } from "../collectedLog.ts";
import { hash } from "../store/fixtures.ts";
import { collect, done, job, until } from "./fixtures.ts";

interface Ends {
  queue(options?: Partial<BullmqQueueOptions>): Promise<JobQueue>;
  consumer(options?: Partial<BullmqConsumerOptions>): Promise<JobConsumer>;
  fresh(title: string, body: () => Promise<void>): void;
}

/** Who gets which job, and who is believed. */
export function capabilityConformance({ queue, consumer, fresh }: Ends): void {
  const capabilities = { ofModel: { [hash("large")]: "large" } };
  const large = (label: string) => job(label, { modelId: hash("large") });

  fresh("a worker takes only the jobs of the capabilities that it has", async () => {
    const node = await queue({ capabilities });
    const [plain, strong] = [await consumer(), await consumer({ concurrency: { large: 1 } })];
    const told = collect(node);
    const runs = { plain: [] as string[], strong: [] as string[] };
    await node.add(job("a"));
    await node.add(large("b"));
    await plain.run(async ({ key }) => {
      runs.plain.push(key);
      return done();
    });
    await until("the plain job", () => told[0] ?? null);
    expect(await node.counts()).toMatchObject({ waiting: 1, active: 0 });
    await strong.run(async ({ key }) => {
      runs.strong.push(key);
      return done();
    });
    await until("the large job", () => told[1] ?? null);
    expect(runs).toEqual({ plain: [job("a").key], strong: [large("b").key] });
    await node.remove(job("a").key);
    await node.remove(large("b").key);
    expect(await node.counts()).toEqual({ waiting: 0, active: 0, parked: 0 });
  });

  fresh(
    "each queue is told by itself, with how long its next job has waited, and its jobs with what they are about",
    async () => {
      const node = await queue({ capabilities, attempts: 1 });
      expect((await node.depths()).map(({ headAgeMs }) => headAgeMs)).toEqual([null, null]);
      await node.add(job("a"), 5);
      await node.add(large("b"), 5);
      await node.add(large("c"), 9);
      const worker = await consumer();
      const told = collect(node);
      await worker.run(async () => {
        throw new Error("no such luck");
      });
      await until("the failure", () => told[0] ?? null);
      const [plain, strong] = await node.depths();
      expect(plain).toEqual({
        queue: "inference",
        waiting: 0,
        active: 0,
        delayed: 0,
        failed: 1,
        headAgeMs: null,
      });
      expect(strong).toMatchObject({ queue: "large", waiting: 2, active: 0, delayed: 0, failed: 0 });
      expect(strong?.headAgeMs).toBeGreaterThan(0);
      const jobs = await node.jobs(10);
      expect(jobs.map(({ key, queue: name, state }) => [key, name, state])).toEqual([
        [job("a").key, "inference", "failed"],
        [large("b").key, "large", "waiting"],
        [large("c").key, "large", "waiting"],
      ]);
      expect(jobs[0]).toMatchObject({ attempts: 1, failure: "queue/handler-failed: no such luck" });
      expect(jobs[1]).toMatchObject({ modelId: hash("large"), attempts: 0, failure: null });
      expect(await node.jobs(1)).toHaveLength(1);
    },
  );

  fresh("one worker with several capabilities bounds each", async () => {
    const node = await queue({ capabilities });
    const worker = await consumer({ concurrency: { inference: 2, large: 1 } });
    const told = collect(node);
    const running = { inference: 0, large: 0 };
    const most = { inference: 0, large: 0 };
    await worker.run(async ({ modelId }) => {
      const kind = modelId === hash("large") ? "large" : "inference";
      running[kind] += 1;
      most[kind] = Math.max(most[kind], running[kind]);
      // Each kind ends only once the other one has filled its places.
      await until("both kinds at work", () => (most.inference === 2 && most.large === 1 ? true : null));
      running[kind] -= 1;
      return done();
    });
    for (let index = 0; index < 4; index++) {
      await node.add(job(`${index}`));
      await node.add(large(`${index} large`));
    }
    await until("all outcomes", () => (told.length === 8 ? true : null));
    expect(most).toEqual({ inference: 2, large: 1 });
  });

  fresh("a job carries its request's trace to the worker, and nothing of its own business", async () => {
    const teardown = new Teardown();
    const collector = await startCollector(teardown);
    const tracing = createOtelTracing({
      ...{ endpoint: collector.url, headers: {}, sampleRatio: 1, serviceName: "test", actor: "one" },
      log: collectedLog(),
    });
    try {
      const [node, worker] = [await queue({ traced: true }), await consumer({ traced: true })];
      const told = collect(node);
      await worker.run((one) =>
        one.key === job("untraced").key
          ? Promise.resolve(done())
          : tracing.span("inference", {}, async () => done()),
      );
      await tracing.within(hash("a"), "run", () => node.add(job("a")));
      await node.add(job("untraced"));
      await until("both outcomes", () => told[1] ?? null);
      const about = { requestId: hash("a"), within: "request", from: 1, to: 2, attributes: {}, fault: null };
      tracing.tell({ ...about, name: "run" });
      await tracing.close();
      const kinds = ["run", "add", "process", "inference"].map((kind) =>
        collector.spans.filter(({ name }) => name.split(" ")[0] === kind),
      );
      expect(kinds.map((spans) => spans.length)).toEqual([1, 1, 1, 1]);
      const [run, added, processed, inference] = kinds.map(([span]) => span);
      expect([added, processed, inference].map((span) => span?.parentSpanId)).toEqual(
        [run, added, processed].map((span) => span?.spanId),
      );
      expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(
        new Set([hash("a").slice(2, 34)]),
      );
    } finally {
      await tracing.close();
      await teardown.run();
    }
  });

  fresh("with one secret on both ends jobs and outcomes are believed", async () => {
    const secret = "the same thirty-two characters or more";
    const [node, worker] = [await queue({ secret }), await consumer({ secret })];
    const told = collect(node);
    await worker.run(async () => done("0xabcd"));
    await node.add(job("a"));
    await until("the outcome", () => told[0] ?? null);
    expect(told[0]?.outcome).toMatchObject({ status: "done", output: "0xabcd" });
  });

  fresh("an outcome of somebody without the secret is a named failure, never an answer", async () => {
    const [node, stranger] = [await queue({ secret: "a".repeat(32) }), await consumer()];
    const told = collect(node);
    await stranger.run(async () => done("0xbad0"));
    await node.add(job("a"));
    await until("the outcome", () => told[0] ?? null);
    expect(told[0]?.outcome).toMatchObject({ status: "failed", code: "queue/bad-seal" });
  });

  fresh("a job of somebody without the secret is not run", async () => {
    const [stranger, worker] = [await queue(), await consumer({ secret: "a".repeat(32) })];
    const told = collect(stranger);
    let runs = 0;
    await worker.run(async () => {
      runs += 1;
      return done();
    });
    await stranger.add(job("a"));
    await until("the refusal", () => told[0] ?? null);
    expect(told[0]?.outcome).toMatchObject({ status: "failed", code: "queue/bad-seal" });
    expect(runs).toBe(0);
  });
}
