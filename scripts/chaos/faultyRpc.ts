import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { rpcCall } from "../network/rpcCall.ts";
import type { RpcFault } from "./schedule.ts";

/** A loopback endpoint between a node and the chain that misbehaves when told to. */
export interface FaultyRpc {
  url: string;
  /** Null passes everything on. */
  misbehave(fault: RpcFault | null): void;
  stop(): Promise<void>;
}

interface Call {
  id: unknown;
  method: string;
  params: unknown[];
}

type Answer = { result: unknown } | { error: { code: number; message: string } };

const DELAY_MS = 1_500;
/** Blocks that a stale endpoint is behind. */
const STALE_BLOCKS = 6n;
/** Most blocks of a range that an unwilling provider reads logs of. */
const RANGE_LIMIT = 20n;
/** Every so many-th HTTP request is let through by a fault that would otherwise cut a node off for good. */
const LET_THROUGH = 4;

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** @param target The chain's own endpoint. */
export async function startFaultyRpc(target: string): Promise<FaultyRpc> {
  let fault: RpcFault | null = null;
  let served = 0;

  const pass = async ({ method, params }: Call): Promise<Answer> => rpcCall(target, method, params);

  async function answer(call: Call): Promise<Answer> {
    switch (fault) {
      case "stale":
        return answerStale(call);
      case "range-limit":
        return isWideRange(call)
          ? { error: { code: -32005, message: `query exceeds max block range ${RANGE_LIMIT}` } }
          : pass(call);
      case "rate-limit":
        return { error: { code: -32005, message: "too many requests: rate limit exceeded" } };
      case "pool-full":
        return call.method === "eth_sendRawTransaction"
          ? { error: { code: -32000, message: "txpool is full" } }
          : pass(call);
      case "truncate-logs": {
        const given = await pass(call);
        if (call.method !== "eth_getLogs" || !("result" in given) || !Array.isArray(given.result))
          return given;
        return { result: given.result.slice(0, given.result.length >> 1) };
      }
      case "repeat": {
        // A load balancer's seam: logs come twice, and a transaction is passed on twice.
        const given = await pass(call);
        if (call.method === "eth_sendRawTransaction") await pass(call);
        if (call.method !== "eth_getLogs" || !("result" in given) || !Array.isArray(given.result))
          return given;
        return { result: [...given.result, ...given.result] };
      }
      default:
        return pass(call);
    }
  }

  /** As the chain was a few blocks ago. */
  async function answerStale(call: Call): Promise<Answer> {
    const head = await pass({ ...call, method: "eth_blockNumber", params: [] });
    if (!("result" in head)) return head;
    const newest = BigInt(head.result as string) - STALE_BLOCKS;
    const limit = newest < 0n ? 0n : newest;
    const [first] = call.params;
    switch (call.method) {
      case "eth_blockNumber":
        return { result: hex(limit) };
      case "eth_getBlockByNumber": {
        if (first === "latest") return pass({ ...call, params: [hex(limit), ...call.params.slice(1)] });
        const isAhead = typeof first === "string" && first.startsWith("0x") && BigInt(first) > limit;
        return isAhead ? { result: null } : pass(call);
      }
      case "eth_getTransactionReceipt":
      case "eth_getTransactionByHash": {
        const given = await pass(call);
        const block =
          "result" in given ? (given.result as { blockNumber?: string } | null)?.blockNumber : null;
        return typeof block === "string" && BigInt(block) > limit ? { result: null } : given;
      }
      case "eth_getTransactionCount":
      case "eth_getBalance":
      case "eth_call":
        return pass({
          ...call,
          params: call.params.map((param) => (param === "latest" ? hex(limit) : param)),
        });
      default:
        return pass(call);
    }
  }

  async function serve(body: Call | Call[], response: ServerResponse): Promise<void> {
    served += 1;
    const spared = served % LET_THROUGH === 0;
    if (fault === "drop" && !spared) return void response.destroy();
    // Held until the caller gives up, or the fault ends and the socket is cut.
    if (fault === "timeout" && !spared) return;
    if (fault === "http-429" && !spared) return void response.writeHead(429).end("slow down");
    if (fault === "delay") await delay(DELAY_MS);
    const reply = async (call: Call) => ({ jsonrpc: "2.0", id: call.id, ...(await answer(call)) });
    const replies = Array.isArray(body) ? await Promise.all(body.map(reply)) : await reply(body);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(replies));
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      serve(JSON.parse(Buffer.concat(chunks).toString()) as Call | Call[], response).catch(() =>
        response.destroy(),
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    misbehave(next) {
      fault = next;
      if (next === null) server.closeAllConnections();
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function isWideRange({ method, params }: Call): boolean {
  if (method !== "eth_getLogs") return false;
  const { fromBlock, toBlock } = params[0] as { fromBlock?: string; toBlock?: string };
  if (fromBlock === undefined || toBlock === undefined) return false;
  return BigInt(toBlock) - BigInt(fromBlock) > RANGE_LIMIT;
}
