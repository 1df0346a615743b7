import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface RpcCall {
  id: unknown;
  method: string;
  params: unknown[];
}

/** What the proxy does to a call instead of passing it on. */
export type Interference = { error: { code: number; message: string } } | { result: unknown } | "pass";

/** A loopback JSON-RPC endpoint that passes calls on, except where a test interferes. */
export interface RpcProxy {
  url: string;
  /** Calls that reached the proxy, by method. */
  calls: Map<string, number>;
  interfere(rule: (call: RpcCall) => Interference): void;
  /** Answers everything with this HTTP status; null passes again. */
  breakWith(status: number | null): void;
  /** Refuses connections until `revive`. */
  die(): Promise<void>;
  revive(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRpcProxy(target: string): Promise<RpcProxy> {
  let rule: (call: RpcCall) => Interference = () => "pass";
  let status: number | null = null;
  let port = 0;
  const calls = new Map<string, number>();

  async function answer(call: RpcCall): Promise<object> {
    calls.set(call.method, (calls.get(call.method) ?? 0) + 1);
    const interference = rule(call);
    if (interference !== "pass") return { jsonrpc: "2.0", id: call.id, ...interference };
    const response = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", ...call }),
    });
    return (await response.json()) as object;
  }

  function open(): Server {
    return createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        try {
          if (status !== null) {
            response.writeHead(status).end("broken");
            return;
          }
          const body = JSON.parse(Buffer.concat(chunks).toString()) as RpcCall | RpcCall[];
          const result = Array.isArray(body) ? await Promise.all(body.map(answer)) : await answer(body);
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
        } catch {
          response.destroy();
        }
      });
    });
  }

  let server = open();
  const listen = async () => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  };
  const close = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  await listen();
  return {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    calls,
    interfere: (next) => {
      rule = next;
    },
    breakWith: (next) => {
      status = next;
    },
    die: close,
    async revive() {
      server = open();
      await listen();
    },
    stop: close,
  };
}
