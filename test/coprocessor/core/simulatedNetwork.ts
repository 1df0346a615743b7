import type { Hex } from "viem";

export interface SimulatedTransaction {
  hash: Hex;
  nonce: number;
  /** Which outbox entry it carries; null for somebody else's use of the account. */
  intent: string | null;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/**
 * One account's view of a network: a mempool that forgets, wants 10% more for a replacement and takes only what pays,
 * and blocks that can be undone.
 */
export class SimulatedNetwork {
  latestNonce = 0;
  baseFeePerGas = 10n;
  /** What validators really want; the market's figure may be lower. */
  leastTip = 1n;
  readonly mempool = new Map<number, SimulatedTransaction>();
  readonly blocks: SimulatedTransaction[][] = [];
  readonly receipts = new Map<Hex, { blockNumber: bigint; succeeded: boolean }>();
  /** Intents whose request is closed, and so revert. */
  readonly closed = new Set<string>();

  /** False when a node would refuse it. */
  send(transaction: SimulatedTransaction): boolean {
    const { nonce, maxFeePerGas, maxPriorityFeePerGas } = transaction;
    if (nonce < this.latestNonce) return false;
    const there = this.mempool.get(nonce);
    if (there && there.hash !== transaction.hash) {
      const enough = (now: bigint, before: bigint) => now * 10n >= before * 11n;
      if (!enough(maxFeePerGas, there.maxFeePerGas)) return false;
      if (!enough(maxPriorityFeePerGas, there.maxPriorityFeePerGas)) return false;
    }
    this.mempool.set(nonce, transaction);
    return true;
  }

  mine(): void {
    const block: SimulatedTransaction[] = [];
    for (;;) {
      const next = this.mempool.get(this.latestNonce);
      if (!next || next.maxFeePerGas < this.baseFeePerGas + this.leastTip) break;
      if (next.maxPriorityFeePerGas < this.leastTip) break;
      this.mempool.delete(this.latestNonce);
      this.latestNonce += 1;
      block.push(next);
      const succeeded = next.intent !== null && !this.closed.has(next.intent);
      if (succeeded && next.intent !== null) this.closed.add(next.intent);
      this.receipts.set(next.hash, { blockNumber: BigInt(this.blocks.length), succeeded });
    }
    this.blocks.push(block);
  }

  /** Somebody else uses the key. */
  useNonceUp(): void {
    const nonce = this.latestNonce;
    this.mempool.delete(nonce);
    this.latestNonce += 1;
    const hash: Hex = `0xf0${nonce.toString(16)}`;
    this.blocks.push([{ hash, nonce, intent: null, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }]);
  }

  /** Takes the last block back, unless somebody else's transaction is in it. */
  undo(keepTransactions: boolean): void {
    const block = this.blocks.at(-1);
    if (!block || block.some(({ intent }) => intent === null)) return;
    this.blocks.pop();
    for (const transaction of block.toReversed()) {
      this.latestNonce -= 1;
      if (this.receipts.get(transaction.hash)?.succeeded) this.closed.delete(transaction.intent as string);
      this.receipts.delete(transaction.hash);
      if (keepTransactions) this.mempool.set(transaction.nonce, transaction);
    }
  }
}
