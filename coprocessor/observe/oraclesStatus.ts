import { Hono } from "hono";
import { serveMetrics } from "./httpServer.ts";
import type { Exposition } from "./port.ts";
import { createOracleRegistry, expositionOf, expositionOfAll } from "./promExposition.ts";
import { createReadinessGauges } from "./promReadiness.ts";
import { type StatusSource, statusRoutes } from "./statusServer.ts";

/** How one of a node's oracles is, whether it runs or not. */
export type OracleStanding =
  | { state: "running"; source: StatusSource }
  /** Tried again by itself. */
  | { state: "starting"; reason: string }
  /** Ended, and a person has to look at it. */
  | { state: "failed"; reason: string };

type Standings = ReadonlyMap<string, OracleStanding>;

/**
 * Serves the status of a node that serves several oracles: each one's as `statusRoutes` has it, under `/<name>`; and
 * `/status`, `/healthz`, `/readyz` and `/metrics` of all together.
 *
 * The node is ready when all of them are. An oracle that failed does not make it unhealthy: starting the process anew would
 * end the others' work and help nobody.
 *
 * @param process What the process counts once, however many oracles it serves.
 */
export function oraclesRoutes(standings: Standings, process: Exposition): Hono {
  const app = new Hono();
  const routes = new WeakMap<StatusSource, Hono>();

  app.get("/healthz", (context) => {
    const running = [...standings].flatMap(([name, standing]) =>
      standing.state === "running" ? [[name, standing.source.health()] as const] : [],
    );
    const faults = running.flatMap(([name, health]) => health.faults.map((fault) => `${name}: ${fault}`));
    const ok = running.every(([, health]) => health.ok);
    const others = [...standings].filter(([, { state }]) => state !== "running");
    const oracles = Object.fromEntries<object>([...running, ...others]);
    return context.json({ ok, faults, oracles }, ok ? 200 : 503);
  });

  app.get("/readyz", (context) => {
    const reasons = [...standings].flatMap(([name, standing]) =>
      reasonsOf(standing).map((reason) => `${name}: ${reason}`),
    );
    const ready = [...standings.values()].every(isReady);
    return context.json({ ready, reasons }, ready ? 200 : 503);
  });

  app.get("/status", async (context) => {
    const oracles = await Promise.all(
      [...standings].map(async ([name, standing]) => [name, await told(standing)] as const),
    );
    return context.json({ oracles: Object.fromEntries(oracles) });
  });

  const exposition = expositionOfAll(process, () => [...standings].map(metricsOf));
  serveMetrics(app, () => exposition);

  app.all("/:oracle/*", (context) => {
    const name = context.req.param("oracle");
    const standing = standings.get(name);
    if (standing === undefined)
      return context.json({ error: `this node serves ${[...standings.keys()].join(", ")}` }, 404);
    if (standing.state !== "running") return context.json({ error: `${name} is ${standing.state}` }, 503);
    const { source } = standing;
    const own = routes.get(source) ?? statusRoutes(source);
    routes.set(source, own);
    const url = new URL(context.req.url);
    url.pathname = url.pathname.slice(name.length + 1);
    const { method, headers } = context.req.raw;
    return own.fetch(new Request(url, { method, headers }));
  });
  return app;
}

const isReady = (standing: OracleStanding): boolean =>
  standing.state === "running" && standing.source.readiness().ready;

function reasonsOf(standing: OracleStanding): string[] {
  if (standing.state === "running") return standing.source.readiness().reasons;
  return [`oracle/${standing.state}: ${standing.reason}`];
}

/** One that cannot tell how it is does not keep the others from being told. */
async function told(standing: OracleStanding): Promise<object> {
  if (standing.state !== "running") return standing;
  try {
    return { state: "running", ...(await standing.source.node()) };
  } catch (error) {
    return { state: "running", error: error instanceof Error ? error.message : String(error) };
  }
}

/** An oracle that does not run has no figures but this one: alerts see it as one that is not ready. */
function metricsOf([name, standing]: [string, OracleStanding]): Exposition {
  if (standing.state === "running") return standing.source.metrics;
  const registry = createOracleRegistry(name);
  createReadinessGauges(registry)([`oracle/${standing.state}`]);
  return expositionOf(registry, async () => {});
}
