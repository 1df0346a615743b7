import { setTimeout as delay } from "node:timers/promises";
import { encodeInput, inferenceOracleAbi } from "@sibyl/sdk";
import { encodeFunctionData, type Hex, keccak256, parseEther, parseEventLogs, parseGwei } from "viem";
import { author } from "../network/devAccounts.ts";
import { goldenInputs } from "../network/goldenInputs.ts";
import { rpcCall } from "../network/rpcCall.ts";
import { readSamples } from "../quickstart/samples.ts";
import type { ChaosNetwork } from "./chaosNetwork.ts";
import type { Ask } from "./schedule.ts";

/** Highest gas price that requests repay; the storm's dearest gas is above it. */
const MAX_GAS_PRICE_WEI = parseGwei("20");
/** What the asker itself bids: its requests are the storm's subject, not its victims. */
const MAX_FEE_PER_GAS_WEI = parseGwei("500");
const TIP_WEI = parseGwei("2");
const GAS = 1_000_000n;
const CALLBACK_GAS = 50_000n;
const WATCH_MS = 500;
const ON_CHAIN_TIMEOUT_MS = 120_000;

/** A request that was made, and the transaction that makes it: sent again whenever the chain has lost it. */
interface Asked {
  ask: Ask;
  nonce: number;
  raw: Hex;
  hash: Hex;
}

/** Makes requests, and sees to it that each is on the chain whatever reorgs and mempools do to it. */
export class Asker {
  readonly #network: ChaosNetwork;
  readonly #lifetimeSeconds: number;
  readonly #inputs: Record<Ask["model"], Hex[]>;
  readonly #asked: Asked[] = [];
  #nonce = 0;
  #signing: Promise<unknown> = Promise.resolve();
  #stopped = false;
  #watching: Promise<void> = Promise.resolve();

  private constructor(network: ChaosNetwork, lifetimeSeconds: number) {
    this.#network = network;
    this.#lifetimeSeconds = lifetimeSeconds;
    this.#inputs = {
      "spam-text": texts(network.models["spam-text"].folder),
      iris: goldenInputs(network.models.iris),
    };
  }

  static async start(network: ChaosNetwork, lifetimeSeconds: number): Promise<Asker> {
    const asker = new Asker(network, lifetimeSeconds);
    asker.#nonce = await network.client.reader.getTransactionCount({ address: author().address });
    asker.#watching = asker.#watch();
    return asker;
  }

  /** Signs and sends a request; signs one at a time, because each takes the next nonce. */
  ask(ask: Ask): Promise<void> {
    const signed = this.#signing.then(() => this.#sign(ask, this.#nonce++));
    this.#signing = signed;
    return signed.then(async (asked) => {
      this.#asked.push(asked);
      await this.#send(asked);
    });
  }

  /**
   * Ids of all requests, once each is in a block. A transaction that a reorg threw behind its own deadline reverts;
   * such a one is asked again.
   */
  async settleOnChain(): Promise<Hex[]> {
    const { reader } = this.#network.client;
    const endMs = performance.now() + ON_CHAIN_TIMEOUT_MS;
    for (;;) {
      const receipts = await Promise.all(
        this.#asked.map(({ hash }) => reader.getTransactionReceipt({ hash }).catch(() => null)),
      );
      const reverted = this.#asked.filter((_, index) => receipts[index]?.status === "reverted");
      for (const asked of reverted) {
        this.#asked.splice(this.#asked.indexOf(asked), 1);
        await this.ask(asked.ask);
      }
      if (reverted.length === 0 && receipts.every((receipt) => receipt !== null)) {
        const logs = receipts.flatMap((receipt) => receipt?.logs ?? []);
        return parseEventLogs({ abi: inferenceOracleAbi, eventName: "RequestOpened", logs }).map(
          ({ args }) => args.requestId,
        );
      }
      if (performance.now() > endMs) {
        const absent = receipts.filter((receipt) => receipt === null).length;
        throw new Error(`${absent} of ${receipts.length} requests came into no block`);
      }
      await delay(WATCH_MS);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  async #sign(ask: Ask, nonce: number): Promise<Asked> {
    const { client, protocol, models } = this.#network;
    const { timestamp } = await client.reader.getBlock();
    const model = models[ask.model];
    const inputs = this.#inputs[ask.model];
    const input = inputs[ask.input % inputs.length] as Hex;
    const data = encodeFunctionData({
      abi: inferenceOracleAbi,
      functionName: "request",
      args: [
        {
          modelId: model.modelId,
          input,
          policy: { committeeSize: 3, quorum: ask.quorum, challengeWindow: 0 },
          callbackGasLimit: CALLBACK_GAS,
          deadline: Number(timestamp) + this.#lifetimeSeconds,
          maxGasPrice: MAX_GAS_PRICE_WEI,
          maxFee: parseEther("1"),
        },
      ],
    });
    // What is more than the price becomes credit, which pays for later ones.
    const raw = await author().signTransaction({
      type: "eip1559",
      chainId: client.chain.id,
      to: protocol.oracle,
      data,
      value: parseEther("0.05"),
      nonce,
      gas: GAS,
      maxFeePerGas: MAX_FEE_PER_GAS_WEI,
      maxPriorityFeePerGas: TIP_WEI,
    });
    return { ask, nonce, raw, hash: keccak256(raw) };
  }

  async #send({ raw }: Asked): Promise<void> {
    await rpcCall(this.#network.client.rpcUrl, "eth_sendRawTransaction", [raw]).catch(() => undefined);
  }

  async #watch(): Promise<void> {
    const { reader } = this.#network.client;
    while (!this.#stopped) {
      await delay(WATCH_MS);
      const latest = await reader.getTransactionCount({ address: author().address }).catch(() => null);
      if (latest === null) continue;
      // In the order of their nonces; those that the mempool still has are refused, which does no harm.
      for (const asked of this.#asked.filter(({ nonce }) => nonce >= latest)) await this.#send(asked);
    }
  }
}

function texts(folder: string): Hex[] {
  return readSamples(folder).map(({ text }) => encodeInput("text", text));
}
