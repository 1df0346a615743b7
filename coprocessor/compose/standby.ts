import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Config } from "../config.ts";
import { CoprocessorError } from "../core/errors.ts";
import { Pulse } from "../core/pulse.ts";
import type { ModelStore } from "../models/port.ts";
import type { HttpServer } from "../observe/httpServer.ts";
import type { Log, Tracing } from "../observe/port.ts";
import { expositionOf, type MetricsRegistry } from "../observe/promExposition.ts";
import { type StatusSource, startStatusServer } from "../observe/statusServer.ts";
import type { StandbyOptions } from "../store/storeLease.ts";
import type { Closers } from "./closers.ts";
import { backendOf } from "./storage.ts";
import { type RunningWorker, startEmbeddedWorker } from "./worker.ts";

/** Longer than the server of the lease may take to answer. */
const LATE_MS = 30_000;

/** A node while another one of the same operator is active, and what outlives that. */
export interface Standing {
  readonly status: HttpServer;
  /** Takes jobs all the while, as it has neither keys nor a chain; null where workers run elsewhere. */
  readonly worker: RunningWorker | null;
  /** For whoever takes the lease. */
  readonly waiting: StandbyOptions;
  /** The lease is ours: from now on the status is the node's own. */
  become(source: StatusSource): void;
}

/**
 * Makes ready what a node can have ready before it may act: the status of a standby (alive, not ready, and who is active), and
 * its worker.
 *
 * @param of.about What `/status` says beside that.
 */
export async function standBy(
  config: Config,
  of: {
    about: object;
    models: ModelStore;
    queue: { namespace: string; secret: string | null; traced: boolean };
    telemetry: { tracing: Tracing; registry: MetricsRegistry };
    log: Log;
    signal: AbortSignal;
  },
  closers: Closers,
): Promise<Standing> {
  const { log, models } = of;
  const { queueUrl } = config;
  const pulse = new Pulse(LATE_MS);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const since = Date.now();
  let active: string | null = null;
  const reasons = () => [
    active === null
      ? "node/standby: it has not looked yet who is active"
      : `node/standby: ${active} is active`,
  ];
  const refuse = async (): Promise<never> => {
    throw new CoprocessorError(`this node stands by and has read nothing; ask the active one: ${active}`, {
      code: "node/standby",
      retry: "backoff",
      meta: { active },
    });
  };
  let source: StatusSource = {
    health() {
      const now = Date.now();
      const faults = pulse.late(now).map((name) => `loop/stuck: ${name} has not turned for ${LATE_MS} ms`);
      return {
        ok: faults.length === 0,
        faults,
        eventLoopDelayMs: Math.round(delay.max / 1e6),
        loopsMs: pulse.ages(now),
      };
    },
    readiness: () => ({ ready: false, reasons: reasons() }),
    node: async () => ({
      role: "standby",
      ...of.about,
      active,
      sinceMs: since,
      readiness: { ready: false, reasons: reasons() },
    }),
    ...{ requests: refuse, disputes: refuse, request: refuse, receipts: refuse, receipt: refuse },
    ...{
      evidence: refuse,
      evidenceById: refuse,
      openings: refuse,
      queue: refuse,
      retry: refuse,
      drop: refuse,
    },
    // Nobody has been given a token yet.
    admits: () => false,
    metrics: expositionOf(of.telemetry.registry, async () => {}),
  };
  const status = await startStatusServer(
    {
      health: () => source.health(),
      readiness: () => source.readiness(),
      node: () => source.node(),
      requests: (limit) => source.requests(limit),
      disputes: (limit) => source.disputes(limit),
      request: (id) => source.request(id),
      receipts: (limit) => source.receipts(limit),
      receipt: (id) => source.receipt(id),
      evidence: (filter) => source.evidence(filter),
      evidenceById: (id) => source.evidenceById(id),
      openings: (limit) => source.openings(limit),
      queue: (limit) => source.queue(limit),
      retry: (id) => source.retry(id),
      drop: (id) => source.drop(id),
      admits: (authorization) => source.admits(authorization),
      get metrics() {
        return source.metrics;
      },
    },
    config.status,
  );
  closers.add("status", () => status.close());
  const worker =
    config.embeddedWorker && queueUrl !== null
      ? await startEmbeddedWorker(
          config,
          { models, log, ...of.telemetry, queueOptions: { ...of.queue, backend: backendOf(queueUrl), log } },
          closers,
        )
      : null;
  return {
    status,
    worker,
    waiting: {
      signal: of.signal,
      onWaiting(holder) {
        pulse.beat("lease", Date.now());
        if (holder === active) return;
        active = holder;
        log.info({ active, statusUrl: status.url }, "standing by: another node of this operator is active");
      },
    },
    become(next) {
      delay.disable();
      source = next;
    },
  };
}
