import { expect } from "vitest";
import type { Log } from "../../../coprocessor/observe/port.ts";
import type { JobConsumer, JobQueue } from "../../../coprocessor/queue/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { collect, done, job, until } from "./fixtures.ts";

interface Ends {
  queue(options?: { secret?: string }): Promise<JobQueue>;
  consumer(options?: { secret?: string; name?: string; log?: Log }): Promise<JobConsumer>;
  fresh(title: string, body: () => Promise<void>): void;
}

const bytes = (length: number, byte: string): `0x${string}` => `0x${byte.repeat(length)}`;
const SECRET = "the same thirty-two characters or more";

/** What every queue does with inputs and outputs that are too large to travel in a job, and with who made them. */
export function largePayloadConformance({ queue, consumer, fresh }: Ends): void {
  for (const [kind, options] of Object.entries({ sealed: { secret: SECRET }, "not sealed": {} })) {
    fresh(`large inputs and outputs, ${kind}, arrive as they were, and small ones beside them`, async () => {
      const [node, worker] = [await queue(options), await consumer(options)];
      const told = collect(node);
      const seen: `0x${string}`[] = [];
      await worker.run(async ({ input }) => {
        seen.push(input);
        return done(input);
      });
      const inputs = [bytes(200_000, "ab"), bytes(32 * 1024, "cd"), bytes(32 * 1024 + 1, "ef")];
      for (const [index, input] of inputs.entries()) {
        await node.add(job(`${index}`, { input }));
        await until("the outcome", () => told[index] ?? null);
        await node.remove(job(`${index}`).key);
      }
      expect(seen).toEqual(inputs);
      expect(told.map(({ outcome }) => outcome)).toEqual(inputs.map((input) => done(input)));
    });
  }

  fresh("an outcome says which worker made it, and the seal covers the name", async () => {
    const node = await queue({ secret: SECRET });
    const worker = await consumer({ secret: SECRET, name: "machine-7" });
    const told = collect(node);
    await worker.run(async () => done("0x01"));
    await node.add(job("a"));
    await until("the outcome", () => told[0] ?? null);
    expect(told[0]?.outcome).toEqual({ ...done("0x01"), worker: "machine-7" });
  });

  fresh(
    "a worker that the node parked gives its job back, and takes no other; the others go on",
    async () => {
      const node = await queue();
      const log = collectedLog();
      const [parked, trusted] = [
        await consumer({ name: "parked", log }),
        await consumer({ name: "trusted" }),
      ];
      const told = collect(node);
      const runs: string[] = [];
      const handler = (name: string) => async () => {
        runs.push(name);
        return done();
      };
      await parked.run(handler("parked"));
      await node.add(job("before"));
      await until("a first job", () => told[0] ?? null);
      await node.add(job("a", { notBy: ["somebody else", "parked"] }));
      await until("the parked worker to say so", () => (log.codes().includes("worker/parked") ? true : null));
      await node.add(job("b"));
      await trusted.run(handler("trusted"));
      await until("both jobs", () => (told.length === 3 ? true : null));
      await node.add(job("c"));
      await node.add(job("d"));
      await until("the others", () => (told.length === 5 ? true : null));
      expect(runs.at(-1)).toBe("trusted");
      const of = (label: string) => told.find(({ key }) => key === job(label).key)?.outcome;
      for (const label of ["a", "b", "c", "d"]) expect(of(label)).toEqual({ ...done(), worker: "trusted" });
    },
  );
}
