import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { CoprocessorError } from "../core/errors.ts";

/** What the status server can be asked; plain JSON values, bigints as decimal strings. */
export interface StatusSource {
  /** `ready` false comes with the reasons. */
  readiness(): Promise<{ ready: boolean; reasons: string[] }>;
  node(): Promise<object>;
  requests(limit: number): Promise<object[]>;
  /** Null for a request that this node has no row for. */
  request(requestId: string): Promise<object | null>;
}

export interface StatusServer {
  url: string;
  close(): Promise<void>;
}

const MAX_ROWS = 500;

/**
 * Serves an operator's status over HTTP: `/healthz` (the process runs), `/readyz` (it can serve requests),
 * `/status`, `/requests?limit=`, `/requests/<requestId>`. Read only; listens on the given host alone.
 *
 * @throws CoprocessorError `status/port-in-use`
 */
export async function startStatusServer(
  source: StatusSource,
  listen: { host: string; port: number },
): Promise<StatusServer> {
  const app = new Hono();
  app.get("/healthz", (context) => context.json({ ok: true }));
  app.get("/readyz", async (context) => {
    const readiness = await source.readiness();
    return context.json(readiness, readiness.ready ? 200 : 503);
  });
  app.get("/status", async (context) => context.json(await source.node()));
  app.get("/requests", async (context) => {
    const limit = Number(context.req.query("limit") ?? "50");
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_ROWS) {
      return context.json({ error: `limit must be 1 to ${MAX_ROWS}` }, 400);
    }
    return context.json(await source.requests(limit));
  });
  app.get("/requests/:requestId", async (context) => {
    const requestId = context.req.param("requestId").toLowerCase();
    if (!/^0x[0-9a-f]{64}$/.test(requestId))
      return context.json({ error: "a request id is 0x and 64 hex digits" }, 400);
    const request = await source.request(requestId);
    if (request === null)
      return context.json({ error: "this node has no such request: not drawn, or not seen yet" }, 404);
    return context.json(request);
  });

  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: app.fetch, hostname: listen.host, port: listen.port },
      (info: AddressInfo) => {
        const host = info.family === "IPv6" ? `[${info.address}]` : info.address;
        resolve({
          url: `http://${host}:${info.port}`,
          close: () => new Promise((done, fail) => server.close((error) => (error ? fail(error) : done()))),
        });
      },
    );
    server.on("error", (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === "EADDRINUSE";
      const fact = inUse ? "the port is in use" : cause.message;
      reject(
        new CoprocessorError(`status server cannot listen on ${listen.host}:${listen.port}: ${fact}`, {
          code: inUse ? "status/port-in-use" : "status/listen-failed",
          retry: "never",
          meta: { ...listen },
          cause,
        }),
      );
    });
  });
}
