import { expect } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { JobConsumer, JobQueue } from "../../../coprocessor/queue/port.ts";
import { collect, done, job, until } from "./fixtures.ts";

/** What a test of `queueConformance` works with: an empty queue, whose ends are closed afterwards. */
export interface QueueBench {
  queue(options?: { attempts?: number; retryDelayMs?: number }): Promise<JobQueue>;
  consumer(options?: { concurrency?: number }): Promise<JobConsumer>;
  /** Adds a job as another release might, past our own checks. */
  addRaw(jobId: string, data: unknown): Promise<void>;
  fresh(title: string, body: () => Promise<void>): void;
}

/** What every queue must do with jobs that fail. */
export function failureConformance({ queue, consumer, fresh, addRaw }: QueueBench): void {
  fresh("a failure that a retry may cure is tried again; one that it cannot is not", async () => {
    const [node, worker] = [await queue({ retryDelayMs: 20 }), await consumer()];
    const told = collect(node);
    const tries = new Map<string, number>();
    await worker.run(async ({ key }) => {
      const attempt = (tries.get(key) ?? 0) + 1;
      tries.set(key, attempt);
      if (key === job("hopeless").key)
        throw new CoprocessorError("bad", { code: "inference/bad-input", retry: "never" });
      if (attempt < 3) throw new CoprocessorError("busy", { code: "model/fetch-failed", retry: "backoff" });
      return done();
    });
    await node.add(job("hopeless"));
    await node.add(job("curable"));
    await until("both outcomes", () => (told.length === 2 ? true : null));
    expect(tries).toEqual(
      new Map([
        [job("hopeless").key, 1],
        [job("curable").key, 3],
      ]),
    );
    expect(told.find(({ key }) => key === job("curable").key)?.outcome).toEqual(done());
  });

  fresh("a job that used up its tries is told once and stays, parked, until it is removed", async () => {
    const [node, worker] = [await queue({ attempts: 3, retryDelayMs: 20 }), await consumer()];
    const told = collect(node);
    let runs = 0;
    await worker.run(async () => {
      runs += 1;
      throw new Error(`broken ${runs}`);
    });
    await node.add(job("a"));
    await until("the outcome", () => told[0] ?? null);
    expect(told[0]?.outcome).toEqual({
      status: "failed",
      code: "queue/handler-failed",
      message: "broken 3",
    });
    expect(await node.counts()).toEqual({ waiting: 0, active: 0, parked: 1 });
    await node.remove(job("a").key);
    expect(await node.counts()).toEqual({ waiting: 0, active: 0, parked: 0 });
    expect(told).toHaveLength(1);
  });

  fresh("an outcome that says failed is a failure: told with its code, and parked", async () => {
    const [node, worker] = [await queue(), await consumer()];
    const told = collect(node);
    await worker.run(async () => ({
      status: "failed",
      code: "inference/timeout",
      message: "took 9 s: too long",
    }));
    await node.add(job("a"));
    await until("the outcome", () => told[0] ?? null);
    expect(told[0]?.outcome).toEqual({
      status: "failed",
      code: "inference/timeout",
      message: "took 9 s: too long",
    });
    expect((await node.counts()).parked).toBe(1);
  });

  fresh(
    "a payload of another version, or a malformed one, fails visibly and the worker goes on",
    async () => {
      const [node, worker] = [await queue(), await consumer()];
      const told = collect(node);
      await worker.run(async () => done());
      const bad: [string, unknown, string][] = [
        ["newer", { ...job("newer"), version: 3 }, "version 3, this worker reads 1 and 2"],
        ["older", { ...job("older"), version: 0 }, "version 0, this worker reads 1 and 2"],
        ["inline", { ...job("inline"), version: 2 }, "input"],
        ["empty", {}, "version undefined"],
        ["hex", { ...job("hex"), input: "0x123" }, "not whole bytes in hex"],
        ["field", { ...job("field"), modelId: undefined }, "modelId"],
        ["stray", { ...job("stray"), key: "other" }, "it is about other"],
      ];
      for (const [id, data] of bad) await addRaw(id, data);
      await node.add(job("good"));
      await until("all outcomes", () => (told.length === bad.length + 1 ? true : null));
      for (const [id, , fault] of bad) {
        const outcome = told.find(({ key }) => key === id)?.outcome;
        expect(outcome).toMatchObject({ status: "failed", code: "queue/bad-payload" });
        expect(outcome).toMatchObject({ message: expect.stringContaining(fault) });
      }
      expect(told.find(({ key }) => key === job("good").key)?.outcome).toEqual(done());
    },
  );

  fresh("a worker that returns garbage is a failure with a name, never an output", async () => {
    const [node, worker] = [await queue(), await consumer()];
    const told = collect(node);
    await worker.run(async () => ({ status: "done", output: "zero", runtime: 5 }) as never);
    await node.add(job("a"));
    await until("the outcome", () => told[0] ?? null);
    expect(told[0]?.outcome).toMatchObject({ status: "failed", code: "queue/bad-outcome" });
  });

  fresh("a job whose deadline has passed is not run", async () => {
    const [node, worker] = [await queue(), await consumer()];
    const told = collect(node);
    let runs = 0;
    await worker.run(async () => {
      runs += 1;
      return done();
    });
    await node.add(job("a", { deadlineMs: Date.now() - 1 }));
    await until("the outcome", () => told[0] ?? null);
    expect(told[0]?.outcome).toMatchObject({ status: "failed", code: "queue/deadline-passed" });
    expect(runs).toBe(0);
  });

  fresh("an outcome whose handler failed is told again", async () => {
    const [node, worker] = [await queue(), await consumer()];
    let calls = 0;
    node.onOutcome(async (key) => {
      calls += 1;
      if (calls === 1) throw new Error("the store is busy");
      await node.remove(key);
    });
    await worker.run(async () => done());
    await node.add(job("a"));
    await until("the second call", () => (calls === 2 ? true : null));
  });
}
