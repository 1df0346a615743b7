import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import type { Hono } from "hono";
import { CoprocessorError } from "../core/errors.ts";
import type { Exposition } from "./port.ts";

/** A server that answers, and where. */
export interface HttpServer {
  url: string;
  close(): Promise<void>;
}

/** @throws CoprocessorError `status/port-in-use`, `status/listen-failed` */
export function listenHttp(app: Hono, listen: { host: string; port: number }): Promise<HttpServer> {
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

/** Serves what Prometheus scrapes. */
export function serveMetrics(app: Hono, metrics: () => Exposition): void {
  app.get("/metrics", async (context) => {
    const exposition = metrics();
    return context.body(await exposition.text(), 200, { "content-type": exposition.contentType });
  });
}
