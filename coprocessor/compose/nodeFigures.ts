import type { NodeFigures } from "../observe/promNodeGauges.ts";
import type { BalanceAlarm } from "../pipeline/balanceAlarm.ts";
import type { PipelineDeps } from "../pipeline/deps.ts";
import type { StoreFigures } from "../store/port.ts";
import type { TransactionSender } from "../submit/port.ts";
import type { Lifecycle } from "./lifecycle.ts";

export interface NodeFiguresParts {
  deps: PipelineDeps;
  sender: TransactionSender;
  balanceAlarm: BalanceAlarm;
  lifecycle: Lifecycle;
  rpcHealth(): { usable: number; needed: number };
}

/** What has not answered by then is left out of a scrape, which Prometheus itself gives 10 s. */
const ANSWER_MS = 3_000;
/** Rows are counted one by one, however often somebody asks. */
const RECOUNT_MS = 10_000;

/** Reads how a node stands, for a scrape; never throws. */
export function nodeFigures(parts: NodeFiguresParts): () => Promise<NodeFigures> {
  const { deps, sender, balanceAlarm, lifecycle } = parts;
  let counted: { at: number; figures: StoreFigures } | null = null;

  async function storeFigures(): Promise<StoreFigures> {
    const now = deps.now();
    if (counted === null || now - counted.at >= RECOUNT_MS)
      counted = { at: now, figures: await deps.store.figures() };
    return counted.figures;
  }

  return async () => {
    const { clock, peers, queue, workload, recentFaults } = deps;
    const [store, queues, outbox, balanceWei] = await Promise.all([
      inTime(storeFigures()),
      inTime(queue.depths()),
      inTime(owed(deps)),
      inTime(sender.balance()),
    ]);
    const { head } = clock;
    const now = deps.now();
    const { published, sent, received, copiedBytes } = peers.traffic();
    return {
      store: store === null ? null : { requests: store.requests, bytes: store.bytes },
      queues,
      outbox,
      balanceWei,
      balanceThresholdWei: balanceAlarm.thresholdWei,
      head: head === null ? null : { number: head.number, ageMs: now - head.timestamp * 1_000 },
      rpc: parts.rpcHealth(),
      peers: { connected: peers.connected(), published, sent, received, copiedBytes },
      workload: { jobs: workload.size, backlogMs: workload.backlogMs },
      notReady: lifecycle.readiness().reasons.map((reason) => reason.split(":")[0] as string),
      faults: recentFaults.count,
    };
  };
}

async function owed({ store, now }: PipelineDeps): Promise<NonNullable<NodeFigures["outbox"]>> {
  const entries = await store.outbox({ states: ["planned", "signed"] });
  const planned = entries.filter(({ state }) => state === "planned");
  const signed = entries.filter(({ state }) => state === "signed");
  const at = now();
  return {
    planned: planned.length,
    held: planned.filter(({ reason }) => reason?.startsWith("settlement/") === true).length,
    signed: signed.length,
    replaced: signed.filter(({ attempts }) => attempts.length > 1).length,
    oldestMs: Math.max(0, ...entries.map(({ createdAt }) => at - createdAt)),
  };
}

/** Null for what fails or takes too long: the readiness says why. */
async function inTime<T>(work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ANSWER_MS);
  });
  try {
    return await Promise.race([work.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}
