import { join } from "node:path";
import { openWorkbench, type Workbench } from "@sibyl/coprocessor";
import { inferenceOracleAbi, operatorRegistryAbi, type Policy, unpackSigners } from "@sibyl/sdk";
import { type Hex, zeroAddress } from "viem";
import { askBatch } from "../network/askBatch.ts";
import { goldenInputs } from "../network/goldenInputs.ts";
import type { ServedModel } from "../network/serveModels.ts";
import { type Network, type NetworkOptions, startNetwork } from "../network/startNetwork.ts";
import type { Teardown } from "../network/teardown.ts";
import { until } from "../network/until.ts";
import type { Asked, ModelName } from "./attack.ts";
import { createLinks, type Links } from "./cuttableLink.ts";
import type { Seat } from "./seat.ts";

const ROOT = join(import.meta.dirname, "..", "..");
/** Everybody is drawn at once, so that a cheat has its part in every request. */
const PARAMETERS = { roundSeconds: 5, overdrawBps: 30_000 };
export const ROUND_MS = PARAMETERS.roundSeconds * 1_000;
/** Nobody waits for a callback. */
const TERMS = { lifetimeSeconds: 300, callbackGasLimit: 0 };
/** Milliseconds after which a request that did not settle counts as blocked. */
const PATIENCE_MS = 180_000;
/** Blocks that requests are spread over, unless an attack wants it otherwise. */
const BLOCKS = 5;
const INFERENCE_TIMEOUT_MS = 60_000;

/** How the chain answered one request. */
export interface Settled {
  output: Hex;
  signers: number[];
  /** Milliseconds between the blocks of the request and of its answer. */
  latencyMs: number;
}

/** Honest operators on a chain of their own, and the means to attack them. */
export interface Arena {
  network: Network;
  links: Links;
  models: Record<ModelName, ServedModel>;
  /**
   * Opens requests, some with each block, and tells of each as soon as it is in a block.
   *
   * @param onAsked Not waited for.
   */
  ask(
    model: ModelName,
    policy: Policy,
    count: number,
    onAsked: (asked: Asked) => void,
    blocks?: number,
  ): Promise<Asked[]>;
  /** Waits until all are settled, or patience is over. */
  answers(asked: readonly Asked[], patienceMs?: number): Promise<Map<Hex, Settled>>;
  /** What a seat owns in the protocol, wei: earnings, credit, rewards and all stake; gas is not counted. */
  wealth(seat: Seat): Promise<bigint>;
  stakes(): Promise<bigint[]>;
}

export async function openArena(
  teardown: Teardown,
  options: Pick<NetworkOptions, "onStep" | "operators" | "envOf" | "commandOf"> & {
    /** Leads all gossip through this process, so that it can be cut; it makes everything said a little later. */
    cuttable?: boolean;
  },
): Promise<Arena> {
  const links = createLinks(teardown);
  const network = await startNetwork({
    teardown,
    parameters: PARAMETERS,
    ...(options.cuttable === true && { frontPort: (port: number) => links.front(port) }),
    operators: 3,
    // Everything that is proposed is looked at again, up to the last moments of its window.
    env: { WATCH_SHARE: "1", WATCH_MARGIN_MS: "10000" },
    ...options,
  });
  const models = { "spam-text": network.model, iris: await network.addModel("iris") };
  const workbench = openWorkbench({
    modelFolders: [join(ROOT, "models")],
    dataDir: join(network.folder, "reference"),
    threads: 1,
    providers: { provider: "cpu", ofModel: {} },
  });
  teardown.add("reference engine", () => workbench.close());
  const inputs = {
    "spam-text": goldenInputs(models["spam-text"]),
    iris: goldenInputs(models.iris),
  };
  const reference = referenceRuns(workbench);
  const { client, protocol } = network;
  const { oracle, operatorRegistry } = protocol;
  const registry = { abi: operatorRegistryAbi, address: operatorRegistry } as const;

  return {
    network,
    links,
    models,

    async ask(name, policy, count, onAsked, blocks = BLOCKS) {
      const { modelId } = models[name];
      const all: Asked[] = [];
      const perBlock = Math.ceil(count / blocks);
      while (all.length < count) {
        const batch = Array.from({ length: Math.min(perBlock, count - all.length) }, (_, place) => {
          const from = inputs[name];
          return from[(all.length + place) % from.length] as Hex;
        });
        const questions = batch.map((input) => ({ modelId, input }));
        // Beforehand, so that a cheat hears of a request as soon as honest operators do.
        const references = new Map<Hex, Hex>();
        for (const input of batch) references.set(input, await reference(models[name], input));
        for (const request of await askBatch(network, questions, { ...TERMS, policy })) {
          const asked = { ...request, place: all.length, reference: references.get(request.input) as Hex };
          all.push(asked);
          onAsked(asked);
        }
      }
      return all;
    },

    async answers(asked, patienceMs = PATIENCE_MS) {
      const open = new Map(asked.map((request) => [request.requestId, request]));
      const settled = new Map<Hex, Settled>();
      // Asked in this order.
      const fromBlock = asked[0]?.blockNumber ?? 0n;
      const timestamps = new Map<bigint, Promise<number>>();
      const timestampOf = (blockNumber: bigint) => {
        const known = timestamps.get(blockNumber);
        if (known !== undefined) return known;
        const asking = client.reader.getBlock({ blockNumber }).then(({ timestamp }) => Number(timestamp));
        timestamps.set(blockNumber, asking);
        return asking;
      };
      const look = async () => {
        const events = await client.reader.getContractEvents({
          abi: inferenceOracleAbi,
          address: oracle,
          eventName: "RequestSettled",
          fromBlock,
          strict: true,
        });
        for (const { args, blockNumber } of events) {
          const request = open.get(args.requestId);
          if (request === undefined) continue;
          const tookSeconds = (await timestampOf(blockNumber)) - (await timestampOf(request.blockNumber));
          const { output, signers } = args;
          settled.set(args.requestId, {
            output,
            signers: unpackSigners(signers),
            latencyMs: tookSeconds * 1_000,
          });
        }
        return settled.size === open.size ? true : null;
      };
      await until("all to be settled", look, { timeoutMs: patienceMs, everyMs: 250 }).catch(() => "blocked");
      return settled;
    },

    async wealth({ operatorId, owner, attester }) {
      const vault = { abi: inferenceOracleAbi, address: oracle } as const;
      const parts = await Promise.all([
        client.reader.readContract({ ...vault, functionName: "earningsOf", args: [operatorId, zeroAddress] }),
        client.reader.readContract({
          ...vault,
          functionName: "creditOf",
          args: [owner.address, zeroAddress],
        }),
        client.reader.readContract({
          ...vault,
          functionName: "creditOf",
          args: [attester.address, zeroAddress],
        }),
        client.reader.readContract({ ...registry, functionName: "rewardsOf", args: [owner.address] }),
        client.reader.readContract({ ...registry, functionName: "rewardsOf", args: [attester.address] }),
        stakeOf(operatorId),
      ]);
      return parts.reduce((sum, part) => sum + part, 0n);
    },

    stakes: () => Promise.all(network.operators.map(({ operatorId }) => stakeOf(operatorId))),
  };

  async function stakeOf(operatorId: number): Promise<bigint> {
    const [staked, [unbonding]] = await Promise.all([
      client.reader.readContract({ ...registry, functionName: "stakeOf", args: [operatorId] }),
      client.reader.readContract({ ...registry, functionName: "unbondingOf", args: [operatorId] }),
    ]);
    return staked + unbonding;
  }
}

/** What the model says here, run once for each input. */
function referenceRuns({ models, engine }: Workbench): (model: ServedModel, input: Hex) => Promise<Hex> {
  const known = new Map<string, Promise<Hex>>();
  return ({ modelId }, input) => {
    const name = `${modelId}/${input}`;
    const run =
      known.get(name) ??
      models
        .resolve(modelId, "")
        .then((model) => engine.run(model, input, { timeoutMs: INFERENCE_TIMEOUT_MS }))
        .then(({ output }) => output);
    known.set(name, run);
    return run;
  };
}
