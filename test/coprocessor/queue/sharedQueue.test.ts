import { expect, test } from "vitest";
import { requestKey } from "../../../coprocessor/core/request.ts";
import type { InferenceJob, JobOutcome, JobQueue } from "../../../coprocessor/queue/port.ts";
import { shareQueue } from "../../../coprocessor/queue/sharedQueue.ts";
import { address, hash } from "../store/fixtures.ts";

const A = { chainId: 1, oracle: address("a") };
const B = { chainId: 10, oracle: address("a") };
const OUTCOME: JobOutcome = { status: "failed", code: "test/failed", message: "" };

/** Remembers what it was given, and tells outcomes when asked to. */
function handQueue() {
  const added: string[] = [];
  const removed: string[] = [];
  let handlers = 0;
  let tell: (key: string, outcome: JobOutcome) => Promise<void> = async () => {};
  const queue: JobQueue = {
    add: async ({ key }) => void added.push(key),
    onOutcome: (handler) => {
      handlers++;
      tell = handler;
    },
    remove: async (key) => void removed.push(key),
    counts: async () => ({ waiting: 1, active: 2, parked: 3 }),
    depths: async () => [],
    jobs: async () => [],
    close: async () => {},
  };
  return { queue, added, removed, handlers: () => handlers, tell: (key: string) => tell(key, OUTCOME) };
}

const job = (key: string): InferenceJob => ({
  version: 1,
  key,
  modelId: hash("model"),
  manifestURI: "",
  input: "0x",
  deadlineMs: 0,
});

const keyOf = (scope: typeof A) => requestKey(scope.chainId, scope.oracle, hash("request"));

test("an oracle is told the outcomes of its own requests and second looks, the other is not", async () => {
  const { queue, tell } = handQueue();
  const shared = shareQueue(queue);
  const heard: string[] = [];
  shared.of(A).onOutcome(async (key) => void heard.push(`a ${key}`));
  shared.of(B).onOutcome(async (key) => void heard.push(`b ${key}`));
  for (const key of [keyOf(A), keyOf(B), `watch-${keyOf(B)}`]) await tell(key);
  expect(heard).toEqual([`a ${keyOf(A)}`, `b ${keyOf(B)}`, `b watch-${keyOf(B)}`]);
});

test("a job whose key names no oracle belongs to whoever added it, after a restart to whoever knows it", async () => {
  const { queue, added, removed, tell } = handQueue();
  const shared = shareQueue(queue);
  const heard: string[] = [];
  const [a, b] = [shared.of(A), shared.of(B)];
  a.onOutcome(async (key) => void heard.push(`a ${key}`));
  b.onOutcome(async (key) => void heard.push(`b ${key}`));
  await b.add(job("opening-0x01"));
  await tell("opening-0x01");
  await b.remove("opening-0x01");
  await tell("opening-0x02");
  expect(heard).toEqual(["b opening-0x01", "a opening-0x02", "b opening-0x02"]);
  expect({ added, removed }).toEqual({ added: ["opening-0x01"], removed: ["opening-0x01"] });
});

test("the outcome for an oracle that does not run stays in the queue", async () => {
  const { queue, removed, tell } = handQueue();
  const shared = shareQueue(queue);
  shared.of(A).onOutcome(async () => {
    throw new Error("not for us");
  });
  await expect(tell(keyOf(B))).rejects.toThrow("does not run now");
  expect(removed).toEqual([]);
});

test("closed: an oracle hears nothing more, another one does; opened again, it hears what was left", async () => {
  const { queue, handlers, tell } = handQueue();
  const shared = shareQueue(queue);
  const heard: string[] = [];
  const follow = (scope: typeof A, name: string) => {
    const own = shared.of(scope);
    own.onOutcome(async (key) => void heard.push(`${name} ${key}`));
    return own;
  };
  const a = follow(A, "a");
  await a.close();
  await expect(tell(keyOf(A))).rejects.toThrow("does not run now");
  follow(B, "b");
  await tell(keyOf(B));
  follow(A, "a again");
  await tell(keyOf(A));
  expect(heard).toEqual([`b ${keyOf(B)}`, `a again ${keyOf(A)}`]);
  // The queue itself takes one handler, once.
  expect(handlers()).toBe(1);
});
