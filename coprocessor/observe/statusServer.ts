import { Hono } from "hono";
import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import { EVIDENCE_KINDS, type EvidenceKind } from "../core/evidence.ts";
import { type HttpServer, listenHttp, serveMetrics } from "./httpServer.ts";
import type { Exposition } from "./port.ts";

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
  /** How the queues are filled, their jobs, and what is parked. */
  queue(limit: number): Promise<object>;
  /** Takes a parked request up again. @throws CoprocessorError why not. */
  retry(requestId: Hex): Promise<object>;
  /** Gives a request up. @throws CoprocessorError why not. */
  drop(requestId: Hex): Promise<object>;
  /** Whether whoever sends this `Authorization` header may change something. */
  admits(authorization: string | undefined): boolean;
  readonly metrics: Exposition;
}

const MAX_ROWS = 500;
const BAD_LIMIT = { error: `limit must be 1 to ${MAX_ROWS}` };
const BAD_ID = { error: "an id is 0x and 64 hex digits" };

/**
 * Serves an operator's status over HTTP; see `statusRoutes`. Listens on the given host alone.
 *
 * @throws CoprocessorError as `listenHttp` does.
 */
export const startStatusServer = (
  source: StatusSource,
  listen: { host: string; port: number },
): Promise<HttpServer> => listenHttp(statusRoutes(source), listen);

/**
 * What an operator's status is asked by: `/healthz` (its loops turn), `/readyz` (it can serve requests),
 * `/status`, `/requests?limit=`, `/requests/<requestId>`, `/disputes?limit=`, `/receipts?limit=`, `/receipts/<requestId>`,
 * `/evidence?operator=&kind=&limit=`, `/evidence/<id>`, `/openings?limit=`, `/queue?limit=`, `/metrics`. Reading takes no
 * password; what changes something, `POST /queue/<requestId>/retry` and `/drop`, takes a token.
 */
export function statusRoutes(source: StatusSource): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (!(error instanceof CoprocessorError)) return context.json({ error: error.message }, 500);
    const fact = `${error.code}: ${error.message}`;
    return context.json({ error: fact }, error.code === "node/standby" ? 503 : 500);
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
      const id = idOf(context.req.param("id") ?? "");
      if (id === null) return context.json(BAD_ID, 400);
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
  app.get("/queue", async (context) => {
    const limit = limitIn(context.req.query("limit"));
    if (limit === null) return context.json(BAD_LIMIT, 400);
    return context.json(await source.queue(limit));
  });
  const change = (verb: string, work: (requestId: Hex) => Promise<object>) =>
    app.post(`/queue/:requestId/${verb}`, async (context) => {
      if (!source.admits(context.req.header("authorization")))
        return context.json({ error: "this takes the token in the node's DATA_DIR" }, 401);
      const requestId = idOf(context.req.param("requestId"));
      if (requestId === null) return context.json(BAD_ID, 400);
      try {
        return context.json(await work(requestId));
      } catch (error) {
        if (!(error instanceof CoprocessorError)) throw error;
        return context.json({ error: `${error.code}: ${error.message}` }, 409);
      }
    });
  change("retry", (requestId) => source.retry(requestId));
  change("drop", (requestId) => source.drop(requestId));
  serveMetrics(app, () => source.metrics);
  return app;
}

/** Null for what is no id. */
function idOf(text: string): Hex | null {
  const id = text.toLowerCase();
  return /^0x[0-9a-f]{64}$/.test(id) ? (id as Hex) : null;
}

/** Rows wanted; null for what is no number of rows. */
function limitIn(text = "50"): number | null {
  const limit = Number(text);
  return Number.isInteger(limit) && limit >= 1 && limit <= MAX_ROWS ? limit : null;
}
