import { expect, test } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import { WorkerPace } from "../../../coprocessor/core/workerPace.ts";
import { runJob } from "../../../coprocessor/pipeline/runJob.ts";
import { job } from "../queue/fixtures.ts";
import { hash, RUNTIME } from "../store/fixtures.ts";

const NOW = 1_000_000;
const result = { output: "0x01", runtime: { ...RUNTIME, batch: 1 }, loadMs: 0, runMs: 200 } as const;

/** A worker whose models and runtime are played. */
function worker(pace = new WorkerPace(1)) {
  const limits: number[] = [];
  const deps = {
    models: {
      resolve: async () => ({}) as never,
      manifest: async () => ({}) as never,
    },
    engine: {
      async run(_model: unknown, _input: unknown, { timeoutMs }: { timeoutMs: number }) {
        limits.push(timeoutMs);
        return result;
      },
      warm: async () => {},
      close: async () => {},
    },
    pace,
    timeoutMs: 5_000,
    now: () => NOW,
  };
  return { deps, limits };
}

test("done: and the worker has learned how long that takes", async () => {
  const pace = new WorkerPace(1);
  const { deps, limits } = worker(pace);
  expect(await runJob(deps, job("a", { deadlineMs: NOW + 900 }))).toEqual({ status: "done", ...result });
  expect(await runJob(deps, job("b", { deadlineMs: NOW + 90_000 }))).toMatchObject({ status: "done" });
  expect(limits).toEqual([900, 5_000]);
  expect(pace.meanMs(hash("model"))).toBe(200);
});

test("refused: a job that this worker cannot finish in time is left to another, with both figures", async () => {
  const { deps, limits } = worker();
  await runJob(deps, job("a", { deadlineMs: NOW + 900 }));
  await expect(runJob(deps, job("b", { deadlineMs: NOW + 150 }))).rejects.toMatchObject({
    code: "queue/too-slow",
    retry: "backoff",
    message: "150 ms are left, and this worker needs 200 ms for its model",
  });
  expect(limits).toHaveLength(1);
});

test("failed: a job whose deadline passed while its model was fetched", async () => {
  const { deps, limits } = worker();
  expect(await runJob(deps, job("a", { deadlineMs: NOW - 30 }))).toEqual({
    status: "failed",
    code: "queue/deadline-passed",
    message: "its deadline passed 30 ms before its model was ready",
  });
  expect(limits).toEqual([]);
});

test("failed: a worker that has another version of the model says so, and runs nothing", async () => {
  const { deps, limits } = worker();
  deps.models.resolve = async () => {
    throw new CoprocessorError("m.onnx hashes to 0xbb", { code: "model/hash-mismatch", retry: "never" });
  };
  expect(await runJob(deps, job("a", { deadlineMs: NOW + 900 }))).toMatchObject({
    status: "failed",
    code: "model/hash-mismatch",
  });
  expect(limits).toEqual([]);
});
