import { unpackRequest } from "@sibyl/sdk";
import type { TracingConfig } from "../config/tracingConfig.ts";
import type { ChainClock } from "../core/chainClock.ts";
import { Journeys, type Leg, type Traveller } from "../core/journey.ts";
import type { OutboxEntry, OutboxState } from "../core/outbox.ts";
import { isOpen, type RequestKey, type RequestRecord, requestIdIn } from "../core/request.ts";
import { around } from "../observe/around.ts";
import { noTracing } from "../observe/noTracing.ts";
import { observeStore, type StoreChange } from "../observe/observedStore.ts";
import { createOtelTracing } from "../observe/otelTracing.ts";
import type { Log, NodeMetrics, SpanAttributes, Tracing, TransactionEvent } from "../observe/port.ts";
import type { JobQueue } from "../queue/port.ts";
import type { RequestPatch, Store } from "../store/port.ts";
import type { Closers } from "./closers.ts";

/** Traces as the configuration asks for them. */
export function openTracing(
  config: TracingConfig | null,
  of: { service: string; actor: string; log: Log },
  closers: Closers,
): Tracing {
  if (config === null) return noTracing;
  const tracing = createOtelTracing({ ...config, ...of, serviceName: config.serviceName ?? of.service });
  closers.add("tracing", () => tracing.close());
  return tracing;
}

/** Names of spans that are no stage. */
const REQUEST = "request";
const CALLBACK = "callback";

export interface ObservationParts {
  tracing: Tracing;
  metrics: NodeMetrics;
  /** False while blocks are read that were there before the start: what they tell took no time of ours. */
  isLive(): boolean;
  /** Knows the newest block from before a reorg. */
  clock: ChainClock;
  now(): number;
}

/** Watches what a node writes and hands over, and makes metrics and traces of it. */
export interface Observation {
  store(store: Store): Store;
  queue(queue: JobQueue): JobQueue;
}

/** Stages meet in stored state, so what is stored is all there is to watch; the pipeline does not know. */
export function createObservation(parts: ObservationParts): Observation {
  const { tracing, metrics, now } = parts;
  const journeys = new Journeys();

  function tell(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      switch (change.type) {
        case "opened":
          opened(change.record);
          break;
        case "moved":
          moved(change, changes);
          break;
        case "outbox":
          transaction(change.entry, change.from);
          break;
        case "rewound":
          metrics.reorganised(Number((parts.clock.head?.number ?? change.ancestor) - change.ancestor));
      }
    }
  }

  function opened(record: RequestRecord): void {
    if (record.state === "waiting" && parts.isLive()) leg(journeys.begin(travellerOf(record), now()), {});
  }

  function moved(
    { key, to, record, patch }: StoreChange & { type: "moved" },
    all: readonly StoreChange[],
  ): void {
    // What was begun before our start is followed from here on.
    const isOurs = record !== null && (isOpen(to) || to === "parked" || record.outputHash !== null);
    if (isOurs && !journeys.follows(key)) journeys.resume(travellerOf(record));
    const told = journeys.moved(key, to, now());
    if (told !== null) leg(told, { ...patch, ...laterPatch(all, key) });
  }

  function leg({ traveller, stage, over }: Leg, patch: RequestPatch): void {
    const { requestId, modelId, openedAt } = traveller;
    const base = { "sibyl.model.id": modelId };
    const span = { requestId, within: REQUEST, fault: null };
    if (stage !== null) {
      metrics.stageEnded(stage.name, stage.to - stage.from);
      tracing.tell({ ...span, name: stage.name, from: stage.from, to: stage.to, attributes: base });
    }
    if (over === null) return;
    const at = now();
    metrics.requestOver(over, at - openedAt);
    const closed: SpanAttributes = { ...base, "sibyl.request.state": over };
    if (over === "settled") {
      const transaction = patch.closedTransaction ?? undefined;
      tracing.tell({
        ...{ ...span, name: CALLBACK, from: at, to: at },
        attributes: {
          "sibyl.settlement.transaction": transaction,
          "sibyl.callback.failed": patch.callbackFailed === true,
        },
        fault: patch.callbackFailed === true ? (patch.reason ?? "the consumer's callback failed") : null,
      });
    }
    const fault = over === "settled" ? null : (patch.reason ?? over);
    tracing.tell({ ...span, name: REQUEST, within: null, from: openedAt, to: at, attributes: closed, fault });
  }

  function transaction(entry: OutboxEntry, from: OutboxState): void {
    const event = eventOf(entry, from);
    if (event === null) return;
    metrics.transaction(entry.kind, event);
    const requestId = requestIdIn(entry.key);
    if (entry.state !== "mined" || requestId === null) return;
    tracing.tell({
      requestId,
      name: `transaction ${entry.id.split("/")[0]} ${entry.id.split("/").at(-1)}`,
      within: REQUEST,
      from: entry.createdAt,
      to: entry.updatedAt,
      attributes: {
        "sibyl.transaction.kind": entry.kind,
        "sibyl.transaction.hash": entry.minedTransaction ?? undefined,
        "sibyl.transaction.attempts": entry.attempts.length,
      },
      fault: entry.succeeded === false ? "reverted" : null,
    });
  }

  return {
    store: (store) => observeStore(store, tell),
    queue: (queue) =>
      tracing.on
        ? around(queue, {
            add(job, priority) {
              const requestId = requestIdIn(job.key);
              if (requestId === null) return queue.add(job, priority);
              // Jobs of second looks and openings have a name before the request's key.
              const span = /^\d/.test(job.key) ? "run" : REQUEST;
              return tracing.within(requestId, span, () => queue.add(job, priority));
            },
          })
        : queue,
  };
}

function travellerOf({ key, requestId, request, dispute }: RequestRecord): Traveller {
  const openedAt = dispute?.dispute.challengedAt ?? unpackRequest(request).openedAt;
  return { key, requestId, modelId: request.modelId, openedAt: openedAt * 1_000 };
}

/** What was said about the same request later in the same transaction: a callback that failed, for one. */
function laterPatch(changes: readonly StoreChange[], key: RequestKey): RequestPatch {
  const patches = changes.flatMap((change) =>
    change.type === "moved" && change.key === key ? [change.patch] : [],
  );
  return Object.assign({}, ...patches);
}

/** What a write of an outbox entry says; null for one that only notes when something was sent. */
export function eventOf(entry: OutboxEntry, from: OutboxState): TransactionEvent | null {
  if (entry.state === "mined") return entry.succeeded === true ? "mined" : "reverted";
  if (entry.state === "abandoned") return "abandoned";
  if (entry.state === "planned") return entry.reason?.startsWith("settlement/") === true ? "held" : null;
  if (entry.state !== "signed") return null;
  if (from !== "signed") return "signed";
  return entry.attempts.length > 1 && entry.attempts.at(-1)?.sentAt === 0 ? "replaced" : null;
}
