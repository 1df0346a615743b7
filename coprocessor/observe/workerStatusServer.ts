import { Hono } from "hono";
import { type HttpServer, listenHttp, serveMetrics } from "./httpServer.ts";
import type { Exposition } from "./port.ts";

/**
 * Serves a worker's `/healthz` (the process answers, so its loop turns) and `/metrics`.
 *
 * @throws CoprocessorError as `listenHttp` does.
 */
export function startWorkerStatusServer(
  metrics: Exposition,
  listen: { host: string; port: number },
): Promise<HttpServer> {
  const app = new Hono();
  app.get("/healthz", (context) => context.json({ ok: true }));
  serveMetrics(app, () => metrics);
  return listenHttp(app, listen);
}
