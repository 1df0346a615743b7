import { inferenceOracleAbi } from "@sibyl/sdk";
import { type Address, type Hex, parseEventLogs, type RpcLog, toHex } from "viem";
import { rpcResult } from "../../network/rpcCall.ts";

const LOOK_EVERY_MS = 20;

/**
 * When each request's block and its answer's block were first seen, by this machine's clock: blocks carry whole seconds
 * only, which says nothing about a network that answers within one.
 */
export class BlockClock {
  readonly openedMs = new Map<Hex, number>();
  readonly settledMs = new Map<Hex, number>();
  readonly #rpcUrl: string;
  readonly #oracle: Address;
  #fromBlock: bigint;
  #watching: Promise<void> = Promise.resolve();
  #stopped = false;
  #failure: Error | null = null;

  constructor(rpcUrl: string, oracle: Address, fromBlock: bigint) {
    this.#rpcUrl = rpcUrl;
    this.#oracle = oracle;
    this.#fromBlock = fromBlock;
  }

  start(): void {
    this.#watching = this.#watch().catch((error: Error) => {
      this.#failure = error;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
    if (this.failure !== null) throw this.failure;
  }

  /** The chain could not be read, or a callback failed: then nothing measured here means anything. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Requests whose answer has not come yet. */
  get open(): number {
    return this.openedMs.size - this.settledMs.size;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const head = BigInt(await rpcResult<Hex>(this.#rpcUrl, "eth_blockNumber", []));
      const nowMs = performance.now();
      if (head >= this.#fromBlock) await this.#read(head, nowMs);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async #read(head: bigint, nowMs: number): Promise<void> {
    const logs = await rpcResult<RpcLog[]>(this.#rpcUrl, "eth_getLogs", [
      { address: this.#oracle, fromBlock: toHex(this.#fromBlock), toBlock: toHex(head) },
    ]);
    for (const { eventName, args } of parseEventLogs({ abi: inferenceOracleAbi, logs })) {
      if (eventName === "RequestOpened") this.openedMs.set(args.requestId, nowMs);
      if (eventName === "RequestSettled") this.settledMs.set(args.requestId, nowMs);
      if (eventName === "CallbackFailed") throw new Error(`the callback of ${args.requestId} failed`);
    }
    this.#fromBlock = head + 1n;
  }
}
