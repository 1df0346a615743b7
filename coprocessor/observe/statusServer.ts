import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { CoprocessorError } from "../core/errors.ts";
import { EVIDENCE_KINDS, type EvidenceKind } from "../core/evidence.ts";

/** Whether the process does its work; `ok` false comes with what it does not. */
export interface NodeHealth {
  ok: boolean;
  /** `code: text` */
  faults: string[];
  /** The longest that the event loop stood still in the last seconds. */
  eventLoopDelayMs: number;
  /** Milliseconds since each loop's last turn. */
  loopsMs: Record<string, number>;
}

/** What the status server can be asked; plain JSON values, bigints as decimal strings. */
export interface StatusSource {
  health(): NodeHealth;
  /** `ready` false comes with the reasons. */
  readiness(): { ready: boolean; reasons: string[] };
  node(): Promise<object>;
  requests(limit: number): Promise<object[]>;
  /** Challenges of proposals, the latest first. */
  disputes(limit: number): Promise<object[]>;
  /** Of a request or a dispute; null for one that this node has no row for. */
  request(requestId: string): Promise<object | null>;
  /** The latest first, without inputs and outputs. */
  receipts(limit: number): Promise<object[]>;
  /** The latest first, without statements and outputs; null is any operator, any kind. */
  evidence(filter: {
    operatorId: number | null;
    kind: EvidenceKind | null;
    limit: number;
  }): Promise<object[]>;
  /** The whole proof; null for an id that nothing is kept under. */
  evidenceById(id: string): Promise<object | null>;
  /** Demands for openings that concern this operator, the latest deadline first. */
  openings(limit: number): Promise<object[]>;
  /** Null for a request that this node computed nothing for. */
  receipt(requestId: string): Promise<object | null>;
}

export interface StatusServer {
  url: string;
  close(): Promise<void>;
}

const MAX_ROWS = 500;
const BAD_LIMIT = { error: `limit must be 1 to ${MAX_ROWS}` };

/**
 * Serves an operator's status over HTTP; see `statusRoutes`. Listens on the given host alone.
 *
 * @throws CoprocessorError `status/port-in-use`
 */
export const startStatusServer = (
  source: StatusSource,
  listen: { host: string; port: number },
): Promise<StatusServer> => serveStatus(statusRoutes(source), listen);

/**
 * What an operator's status is asked by: `/healthz` (its loops turn), `/readyz` (it can serve requests),
 * `/status`, `/requests?limit=`, `/requests/<requestId>`, `/disputes?limit=`, `/receipts?limit=`, `/receipts/<requestId>`,
 * `/evidence?operator=&kind=&limit=`, `/evidence/<id>`, `/openings?limit=`. Read only.
 */
export function statusRoutes(source: StatusSource): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    const fact = error instanceof CoprocessorError ? `${error.code}: ${error.message}` : error.message;
    return context.json({ error: fact }, 500);
  });
  app.get("/healthz", (context) => {
    const health = source.health();
    return context.json(health, health.ok ? 200 : 503);
  });
  app.get("/readyz", (context) => {
    const readiness = source.readiness();
    return context.json(readiness, readiness.ready ? 200 : 503);
  });
  app.get("/status", async (context) => context.json(await source.node()));
  const rows = (path: string, read: (limit: number) => Promise<object[]>) =>
    app.get(path, async (context) => {
      const limit = limitIn(context.req.query("limit"));
      if (limit === null) return context.json(BAD_LIMIT, 400);
      return context.json(await read(limit));
    });
  const row = (path: string, read: (id: string) => Promise<object | null>, missing: string) =>
    app.get(`${path}/:id`, async (context) => {
      const id = (context.req.param("id") ?? "").toLowerCase();
      if (!/^0x[0-9a-f]{64}$/.test(id)) return context.json({ error: "an id is 0x and 64 hex digits" }, 400);
      const found = await read(id);
      return found === null ? context.json({ error: missing }, 404) : context.json(found);
    });
  app.get("/evidence", async (context) => {
    const { operator, kind } = context.req.query();
    const limit = limitIn(context.req.query("limit"));
    if (limit === null) return context.json(BAD_LIMIT, 400);
    const operatorId = operator === undefined ? null : Number(operator);
    if (operatorId !== null && !(Number.isInteger(operatorId) && operatorId >= 0))
      return context.json({ error: "operator must be an operator's id" }, 400);
    const wanted = EVIDENCE_KINDS.find((one) => one === kind) ?? null;
    if (kind !== undefined && wanted === null)
      return context.json({ error: `kind must be one of ${EVIDENCE_KINDS.join(", ")}` }, 400);
    return context.json(await source.evidence({ operatorId, kind: wanted, limit }));
  });
  row("/evidence", (id) => source.evidenceById(id), "this node keeps no such evidence");
  rows("/openings", (limit) => source.openings(limit));
  rows("/requests", (limit) => source.requests(limit));
  rows("/disputes", (limit) => source.disputes(limit));
  row("/requests", (id) => source.request(id), "this node has no such request: not drawn, or not seen yet");
  rows("/receipts", (limit) => source.receipts(limit));
  row("/receipts", (id) => source.receipt(id), "this node has computed nothing for such a request");
  return app;
}

/** @throws CoprocessorError `status/port-in-use` */
export function serveStatus(app: Hono, listen: { host: string; port: number }): Promise<StatusServer> {
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

/** Rows wanted; null for what is no number of rows. */
function limitIn(text = "50"): number | null {
  const limit = Number(text);
  return Number.isInteger(limit) && limit >= 1 && limit <= MAX_ROWS ? limit : null;
}
