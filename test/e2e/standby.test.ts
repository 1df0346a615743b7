import { inferenceOracleAbi } from "@sibyl/sdk";
import { expect, test } from "vitest";
import { Random } from "../../scripts/chaos/random.ts";
import { until } from "../../scripts/network/until.ts";
import { HAM, post, settled } from "./board.ts";
import { pairForAll, takenOver, unavailable } from "./standbyPair.ts";

/** What the active node has said last when its end comes; `opened` is nothing yet. */
const STAGES = ["opened", "commit", "reveal", "attestation"] as const;
const ENDS = ["kill", "kill", "pause"] as const;
/** From the active node's end until the other one is active. */
const TAKEOVER_MS = 15_000;
const RUN_MS = 90_000;

const runs = Number(process.env.STANDBY_RUNS ?? "50");
const seed = Number(process.env.STANDBY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const skipped = unavailable === null ? "" : ` (skipped: ${unavailable})`;

const paired = pairForAll();

test.skipIf(unavailable !== null)(
  `settled: ${runs} times the active node ends in mid-agreement, the standby goes on within 15 s, and nobody signs twice (seed ${seed})${skipped}`,
  async () => {
    const random = new Random(seed);
    const takeoverMs: number[] = [];
    const settleMs: number[] = [];
    for (let run = 1; run <= runs; run++) {
      const [end, stage] = [random.pick(ENDS), random.pick(STAGES)];
      const result = await oneRun(end, stage, random.between(0, 300));
      takeoverMs.push(result.takeoverMs);
      settleMs.push(result.settleMs);
      console.log(`run ${run}: ${end} after ${stage}, ${JSON.stringify(result)}`);
      expect(result.takeoverMs).toBeLessThan(TAKEOVER_MS);
      expect(await paired().heard.book.equivocations()).toEqual([]);
    }
    const figures = {
      runs,
      seed,
      takeoverMs: spread(takeoverMs),
      settleMs: spread(settleMs),
      equivocations: 0,
    };
    console.log(`standby: ${JSON.stringify(figures)}`);
  },
  runs * RUN_MS,
);

/** @returns Milliseconds from the active node's end until the other is active, and until the request is settled. */
async function oneRun(
  end: (typeof ENDS)[number],
  stage: (typeof STAGES)[number],
  laterMs: number,
): Promise<{ takeoverMs: number; settleMs: number }> {
  const { active, standby } = await paired().roles();
  const pid = active.process?.pid;
  if (pid === undefined) throw new Error("the active node does not run");
  const posted = await post(paired().network, paired().board, HAM);
  await until(
    `the active node to have come to: ${stage}`,
    () =>
      stage === "opened" ||
      paired().heard.messages.some(
        ({ kind, operatorId, requestId }) =>
          kind === stage && operatorId === active.operatorId && requestId === posted.requestId,
      ) ||
      null,
    { timeoutMs: 60_000, everyMs: 5 },
  );
  if (stage === "opened") await new Promise((resolve) => setTimeout(resolve, laterMs));
  if (end === "kill") await active.kill();
  else process.kill(pid, "SIGSTOP");
  const endedAt = Date.now();
  const takeoverMs = (await takenOver(standby)) - endedAt;
  const { signers } = await settled(paired().network, posted);
  const settleMs = Date.now() - endedAt;
  expect(signers).toEqual([1, 2, 3]);
  if (end === "pause") {
    process.kill(pid, "SIGCONT");
    const exit = await until("the late node to end", () => active.process?.exit(), { timeoutMs: 30_000 });
    expect(exit).toBe(1);
    await active.kill();
  }
  const events = await paired().network.client.reader.getContractEvents({
    abi: inferenceOracleAbi,
    address: paired().network.protocol.oracle,
    eventName: "RequestSettled",
    args: { requestId: posted.requestId },
    fromBlock: posted.receipt.blockNumber,
  });
  expect(events).toHaveLength(1);
  await active.start();
  await paired().stands(active);
  return { takeoverMs, settleMs };
}

function spread(values: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
