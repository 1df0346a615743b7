import type { PeerTraffic } from "@sibyl/coprocessor/testing";
import { until } from "../network/until.ts";
import type { Arena } from "./arena.ts";
import type { Asked } from "./attack.ts";
import { median } from "./row.ts";

/** Heartbeats tell so many peers of a publication, `Dlazy` of `peers/gossipParameters.ts`; who lacks it then asks. */
const TOLD_MOST = 6;
/** Statements of one operator about one `exact` request: commitment, reveal, attestation. */
const STATEMENTS = 3;
const AGREEMENT_MS_MOST = 100;
/**
 * Requests that are not counted, some with each block: nodes compile in their first hundreds what they do for each, and what a
 * request takes meanwhile says nothing about nodes that run for days.
 */
const WARM_UP = { requests: 200, blocks: 20 };
const STATUS_TIMEOUT_MS = 60_000;

/** How much operators say to each other about a request. */
export interface GossipFigures {
  operators: number;
  requests: number;
  settled: number;
  /** Per request, over all operators: what was said, the copies of it that travelled, and their KiB. */
  publications: number;
  copies: number;
  copiesKiB: number;
  /** What was said once, and the rest, which was said again while the request was open. */
  repeats: number;
  /** Copies of one publication, and the most that nodes ask for when all are behind. */
  copiesPerPublication: number;
  copiesPerPublicationMost: number;
  /** Median and 95th percentile from the first reveal to a quorum of attestations, over all operators. */
  agreementMsP50: number | null;
  agreementMsP95: number | null;
}

/**
 * Asks an honest network for one answer after the other, and reads from its nodes what they said and heard meanwhile: what a
 * request takes by itself, not how ten nodes share one machine's processors.
 */
export async function measureGossip(arena: Arena, requests: number): Promise<GossipFigures> {
  const { operators } = arena.network;
  const n = operators.length;
  const policy = { committeeSize: Math.min(n, 8), quorum: Math.min(n, 5), challengeWindow: 0 };
  await arena.answers(await arena.ask("iris", policy, WARM_UP.requests, () => {}, WARM_UP.blocks));
  await quiet(arena);

  const before = await traffic(arena);
  const asked: Asked[] = [];
  let settled = 0;
  while (asked.length < requests) {
    const one = await arena.ask("iris", policy, 1, () => {});
    settled += (await arena.answers(one)).size;
    asked.push(...one);
  }
  await quiet(arena);
  const after = await traffic(arena);

  const per = (key: keyof PeerTraffic) => (after[key] - before[key]) / requests;
  const times: number[] = [];
  for (const operator of operators) {
    for (const { requestId } of asked) {
      const { agreementMs } = await until(`${operator.name}'s ballot`, () => operator.explain(requestId), {
        timeoutMs: STATUS_TIMEOUT_MS,
      });
      if (agreementMs !== null) times.push(agreementMs);
    }
  }
  times.sort((a, b) => a - b);
  return {
    operators: n,
    requests,
    settled,
    publications: round(per("published")),
    copies: round(per("copies")),
    copiesKiB: round(per("copiedBytes") / 1_024),
    repeats: round(per("published") - Math.min(per("published"), STATEMENTS * n)),
    copiesPerPublication: round(per("copies") / per("published")),
    copiesPerPublicationMost: (n - 1) * Math.min(n - 1, TOLD_MOST),
    agreementMsP50: median(times),
    agreementMsP95: times[Math.floor((times.length - 1) * 0.95)] ?? null,
  };
}

export function missedGossipBounds(figures: GossipFigures): string[] {
  const missed: string[] = [];
  if (figures.settled < figures.requests) missed.push(`${figures.settled} of ${figures.requests} settled`);
  if (figures.copiesPerPublication > figures.copiesPerPublicationMost) {
    missed.push(
      `a publication travelled ${figures.copiesPerPublication} times, at most ${figures.copiesPerPublicationMost}`,
    );
  }
  if (figures.agreementMsP50 === null || figures.agreementMsP50 > AGREEMENT_MS_MOST)
    missed.push(`agreement took ${figures.agreementMsP50} ms in the median, at most ${AGREEMENT_MS_MOST}`);
  return missed;
}

async function traffic({ network }: Arena): Promise<PeerTraffic> {
  const all = await Promise.all(
    network.operators.map((operator) =>
      until(`${operator.name}'s status`, () => operator.status(), { timeoutMs: STATUS_TIMEOUT_MS }),
    ),
  );
  const sum = { published: 0, sent: 0, received: 0, copies: 0, copiedBytes: 0 };
  for (const { traffic: one } of all) {
    for (const key of Object.keys(sum) as (keyof PeerTraffic)[]) sum[key] += one[key];
  }
  return sum;
}

/** Waits until nobody says anything any more. */
async function quiet(arena: Arena): Promise<void> {
  let before = await traffic(arena);
  await until(
    "the operators to be quiet",
    async () => {
      const now = await traffic(arena);
      const same = now.published === before.published && now.copies === before.copies;
      before = now;
      return same ? true : null;
    },
    { timeoutMs: 60_000, everyMs: 2_000 },
  );
}

const round = (value: number) => Number(value.toFixed(1));
