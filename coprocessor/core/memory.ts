/** Where a node's memory begins: what it may have signed before is not written down anywhere that it can read. */
export interface MemoryBeginning {
  /** The chain's head when the store was made. */
  block: bigint;
  /** Unix seconds on the chain's clock; no earlier than that head's. */
  timestamp: number;
}

/** A chain whose head is younger than this runs on the same clock as we do; milliseconds. */
const LIVE_MS = 600_000;

/**
 * The beginning of a memory that starts now.
 *
 * An endpoint that lags shows a head which the node had left behind long before it lost its memory. So where the chain's
 * time is about ours, our clock counts too.
 *
 * @param now Unix milliseconds
 */
export function memoryBeginsAt(head: { number: bigint; timestamp: number }, now: number): MemoryBeginning {
  const isLive = Math.abs(now - head.timestamp * 1_000) < LIVE_MS;
  const seconds = Math.ceil(now / 1_000);
  return { block: head.number, timestamp: isLive ? Math.max(head.timestamp, seconds) : head.timestamp };
}

/**
 * Milliseconds until nothing opens any more that this operator may have signed for and forgotten; 0 from then on.
 *
 * @param chainNowMs The chain's time, Unix milliseconds.
 */
export const tooYoungForMs = ({ timestamp }: MemoryBeginning, chainNowMs: number): number =>
  Math.max(0, (timestamp + 1) * 1_000 - chainNowMs);

/** Whether this operator may have signed for a request without knowing it any more. */
export function mayBeForgotten(
  opened: { openedBlock: bigint; openedAt: number },
  began: MemoryBeginning,
): boolean {
  return opened.openedBlock <= began.block || opened.openedAt <= began.timestamp;
}
