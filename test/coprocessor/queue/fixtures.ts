import { type RequestKey, requestKey } from "../../../coprocessor/core/request.ts";
import type { InferenceJob, JobOutcome, JobQueue } from "../../../coprocessor/queue/port.ts";
import { CHAIN_ID, hash, ORACLE, RUNTIME } from "../store/fixtures.ts";

export const job = (label: string, patch: Partial<InferenceJob> = {}): InferenceJob => ({
  version: 1,
  key: requestKey(CHAIN_ID, ORACLE, hash(label)),
  modelId: hash("model"),
  manifestURI: "file:///models/spam/manifest.json",
  input: "0x00ff",
  deadlineMs: Date.now() + 600_000,
  ...patch,
});

export const done = (output: `0x${string}` = "0x01"): JobOutcome => ({
  status: "done",
  output,
  runtime: RUNTIME,
  loadMs: 0,
  runMs: 1.5,
});

/** Waits until `read` gives something else than null; the error says what was waited for. */
export async function until<T>(
  what: string,
  read: () => Promise<T | null> | T | null,
  timeoutMs = 15_000,
): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== null) return value;
    if (Date.now() > giveUpAt) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Keeps every outcome that a queue tells, in order. */
export function collect(queue: JobQueue): { key: RequestKey; outcome: JobOutcome }[] {
  const told: { key: RequestKey; outcome: JobOutcome }[] = [];
  queue.onOutcome(async (key, outcome) => {
    told.push({ key, outcome });
  });
  return told;
}

/** A promise and the call that resolves it. */
export function signal(): { promise: Promise<void>; fire: () => void } {
  let fire = () => {};
  const promise = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { promise, fire };
}
