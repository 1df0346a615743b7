import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RequestExplanation } from "@sibyl/coprocessor";
import type { Address } from "viem";
import { operatorAttester, privateKeyOf } from "./devAccounts.ts";
import { type Exit, type OperatorProcess, startOperatorProcess } from "./operatorProcess.ts";
import type { Teardown } from "./teardown.ts";

/** What the node tells about itself at `/status`, as far as it is used here. */
export interface NodeStatus {
  operatorId: number;
  /** Peers that share its topic now. */
  peers: number;
  /** Operators that its peers have proven to speak for. */
  peerOperators: number[];
  queue: { waiting: number; active: number; parked: number };
  /** Addresses that peers can dial. */
  addresses: string[];
  /** What it said to its peers and heard from them since it started. */
  traffic: { published: number; sent: number; received: number; copies: number; copiedBytes: number };
}

/** One operator of a local network: its folder, its keys, and its process while it runs. */
export interface Operator {
  /** `operator 1` */
  name: string;
  operatorId: number;
  owner: Address;
  attester: Address;
  /** Its database, its model cache, its log. */
  folder: string;
  /** Where it looks for models before it fetches them; empty unless a test puts something there. */
  modelFolder: string;
  /** Null while it does not run. */
  process: OperatorProcess | null;
  /** Starts it, on the data that it left behind if it ran before. */
  start(): Promise<void>;
  /** Asks it to end and waits until it has. */
  stop(): Promise<Exit | null>;
  /** kill -9 */
  kill(): Promise<Exit | null>;
  status(): Promise<NodeStatus>;
  /** Why a request stands where it stands; null when the node knows no such request. */
  explain(requestId: string): Promise<RequestExplanation | null>;
}

export interface OperatorOptions {
  /** Counted from 0. */
  place: number;
  operatorId: number;
  owner: Address;
  attester: Address;
  folder: string;
  /** The node's environment, apart from what follows from the place and the folder. */
  env: Record<string, string>;
  p2pPort: number;
  teardown: Teardown;
  /** Arguments for Node that start it; `sibyl node` when not given. */
  command?: readonly string[];
}

const STATUS_TIMEOUT_MS = 5_000;

export function createOperator(options: OperatorOptions): Operator {
  const { place, operatorId, owner, attester, folder, teardown } = options;
  const modelFolder = join(folder, "models");
  mkdirSync(modelFolder, { recursive: true });
  const name = `operator ${operatorId}`;
  const env = {
    ATTESTER_KEY: privateKeyOf(operatorAttester(place)),
    DATA_DIR: join(folder, "data"),
    MODEL_FOLDERS: modelFolder,
    P2P_LISTEN: `127.0.0.1:${options.p2pPort}`,
    STATUS_LISTEN: "127.0.0.1:0",
    INFERENCE_THREADS: "1",
    ...options.env,
  };

  const command = options.command === undefined ? {} : { command: options.command };
  const ask = async (path: string): Promise<Response> => {
    if (operator.process === null) throw new Error(`${name} does not run`);
    return fetch(operator.process.statusUrl + path, { signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) });
  };
  const end = async (how: "stop" | "kill"): Promise<Exit | null> => {
    const { process } = operator;
    operator.process = null;
    return process === null ? null : process[how]();
  };

  const operator: Operator = {
    name,
    operatorId,
    owner,
    attester,
    folder,
    modelFolder,
    process: null,
    async start() {
      operator.process = await startOperatorProcess({ name, folder, env, teardown, ...command });
    },
    stop: () => end("stop"),
    kill: () => end("kill"),
    async status() {
      return (await ask("/status")).json() as Promise<NodeStatus>;
    },
    async explain(requestId) {
      const response = await ask(`/requests/${requestId}`);
      if (response.status === 404) return null;
      if (!response.ok) throw new Error(`${name} answered ${response.status} for request ${requestId}`);
      return response.json() as Promise<RequestExplanation>;
    },
  };
  return operator;
}
