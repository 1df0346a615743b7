/** How far a node is on its way to the head that it found when it started. */
export interface CatchUp {
  /** 0 to 100, rounded down to tenths. */
  percent: number;
  blocksPerSecond: number;
  /** Null while the pace is not known yet. */
  secondsLeft: number | null;
}

/**
 * @param span The first block that is read, the newest that was, and the one at which the way ends.
 * @param elapsedMs Since the first one.
 */
export function catchUpAt(span: { from: bigint; at: bigint; target: bigint }, elapsedMs: number): CatchUp {
  const done = Number(span.at - span.from);
  const all = Number(span.target - span.from);
  const blocksPerSecond = elapsedMs <= 0 ? 0 : Math.round((done * 1_000) / elapsedMs);
  return {
    percent: all <= 0 ? 100 : Math.floor((Math.max(0, done) * 1_000) / all) / 10,
    blocksPerSecond,
    secondsLeft: blocksPerSecond === 0 ? null : Math.ceil(Math.max(0, all - done) / blocksPerSecond),
  };
}

/** For people: `43.2 % at 5120 blocks/s, 11 s left`. */
export function catchUpText({ percent, blocksPerSecond, secondsLeft }: CatchUp): string {
  const left = secondsLeft === null ? "" : `, ${secondsLeft} s left`;
  return `${percent} % at ${blocksPerSecond} blocks/s${left}`;
}
