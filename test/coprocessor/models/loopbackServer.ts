import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Handler = (response: ServerResponse, request: IncomingMessage) => void;

/** A web server on loopback whose answers a test chooses, and which remembers what it was asked. */
export class LoopbackServer {
  readonly routes = new Map<string, Buffer | Handler>();
  readonly requested: string[] = [];
  readonly #server = createServer((request, response) => {
    const path = request.url ?? "";
    this.requested.push(path);
    const route = this.routes.get(path);
    if (typeof route === "function") route(response, request);
    else if (route) response.end(route);
    else response.writeHead(404).end();
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
