/** What one attack came to. */
export interface Row {
  attack: string;
  requests: number;
  settled: number;
  /** Settled with an output outside the model's profile around the honest one. */
  wrongSettled: number;
  /** Honest operators that lost stake. */
  honestSlashed: number;
  /** What the cheats earned by cheating, less what they lost of their stake; gas is not counted. */
  cheaterProfitWei: string;
  /** What they were paid for answers that lie within the model's profile. */
  cheaterEarnedWei: string;
  /** Wrong proposals that a jury overturned; null where none could be proposed. */
  overturned: number | null;
  /** Median from a request's block to its answer's. */
  latencyMsP50: number | null;
  /** The same, less an honest run's with the same model. */
  addedLatencyMsP50: number | null;
  /** Of the honest node that grew most, MiB of resident memory. */
  rssGrowthMb: number;
  /** Requests about which an honest operator said that operators disagree. */
  disagreements: number;
}

export interface Bounds {
  /** Most that the median may take longer than in the honest run. */
  addedLatencyMs: number;
  rssGrowthMb: number;
}

/** One line for each bound that does not hold. */
export function missedBounds(row: Row, bounds: Bounds): string[] {
  const missed: string[] = [];
  const most = (name: string, value: number, limit: number) => {
    if (value > limit) missed.push(`${row.attack}: ${name} is ${value}, at most ${limit}`);
  };
  most("wrongSettled", row.wrongSettled, 0);
  most("honestSlashed", row.honestSlashed, 0);
  most("unsettled requests", row.requests - row.settled, 0);
  most("rssGrowthMb", row.rssGrowthMb, bounds.rssGrowthMb);
  if (row.overturned !== null && row.overturned < row.requests)
    missed.push(`${row.attack}: ${row.overturned} of ${row.requests} wrong proposals overturned`);
  if (BigInt(row.cheaterProfitWei) > 0n)
    missed.push(`${row.attack}: a profit of ${row.cheaterProfitWei} wei`);
  if (row.addedLatencyMsP50 !== null) most("addedLatencyMsP50", row.addedLatencyMsP50, bounds.addedLatencyMs);
  return missed;
}

export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
