import { createHash, randomBytes } from "node:crypto";
import {
  type Context,
  context,
  DiagLogLevel,
  diag,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type IdGenerator,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import type { EndedSpan, Log, SpanAttributes, Tracing } from "./port.ts";

export interface OtelTracingOptions {
  /** Base URL of an OTLP/HTTP receiver; `/v1/traces` is added. */
  endpoint: string;
  /** Sent with every export: a collector's token, for one. */
  headers: Readonly<Record<string, string>>;
  /** Part of the requests that are traced, 0 to 1; by the request's id, so every operator and worker traces the same ones. */
  sampleRatio: number;
  serviceName: string;
  /** Tells operators apart whose traces meet in one collector: a request has one root for each. */
  actor: string;
  log: Log;
}

const EXPORT_EVERY_MS = 1_000;
const CLOSE_MS = 2_000;
/** A collector that is away is tried with every export, and named this often. */
const COMPLAIN_EVERY_MS = 60_000;
/** Longer values are cut: an error's text may quote what was wrong. */
const MAX_VALUE_CHARACTERS = 512;

/**
 * Sends spans to an OpenTelemetry collector (OTLP over HTTP, JSON).
 *
 * Makes itself the process's OpenTelemetry, because the queue's spans come from BullMQ's own integration. A collector that is
 * away costs the spans and nothing else: at most 2,048 of them wait.
 */
export function createOtelTracing({
  endpoint,
  headers,
  sampleRatio,
  serviceName,
  actor,
  log,
}: OtelTracingOptions): Tracing {
  let complainedAt = Number.NEGATIVE_INFINITY;
  const told = (message: string) => {
    const at = performance.now();
    if (at - complainedAt < COMPLAIN_EVERY_MS) return;
    complainedAt = at;
    log.warn({ reason: message.slice(0, MAX_VALUE_CHARACTERS) }, "traces could not be sent");
  };
  diag.setLogger(
    { error: told, warn: told, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, "")}/v1/traces`, headers });
  const ids = new ChosenIds();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": serviceName, "service.instance.id": actor }),
    // By the trace's id alone: a parent on another machine has decided the same.
    sampler: new TraceIdRatioBasedSampler(sampleRatio),
    idGenerator: ids,
    spanLimits: { attributeValueLengthLimit: MAX_VALUE_CHARACTERS },
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: EXPORT_EVERY_MS })],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  return new OtelTracing(provider, ids, actor, async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    const sent = provider.shutdown().catch(() => undefined);
    await Promise.race([sent, late]);
    clearTimeout(timer);
    trace.disable();
    context.disable();
    propagation.disable();
    diag.disable();
  });
}

class OtelTracing implements Tracing {
  readonly on = true;
  readonly #provider: TracerProvider;
  readonly #ids: ChosenIds;
  readonly #tracer: Tracer;
  readonly #actor: string;
  readonly close: () => Promise<void>;

  constructor(provider: TracerProvider, ids: ChosenIds, actor: string, close: () => Promise<void>) {
    this.#provider = provider;
    this.#ids = ids;
    this.#tracer = provider.getTracer("sibyl");
    this.#actor = actor;
    this.close = close;
  }

  as(actor: string): Tracing {
    return new OtelTracing(this.#provider, this.#ids, actor, async () => {});
  }

  tell({ requestId, name, within, from, to, attributes, fault }: EndedSpan): void {
    this.#ids.choose(traceIdOf(requestId), this.#spanIdOf(requestId, name));
    const parent = within === null ? ROOT_CONTEXT : this.#contextOf(requestId, within);
    const options = {
      startTime: new Date(from),
      kind: SpanKind.INTERNAL,
      attributes: withRequest(requestId, attributes),
    };
    const span = this.#tracer.startSpan(name, options, parent);
    this.#ids.forget();
    if (fault !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: fault });
    span.end(new Date(to));
  }

  within<T>(requestId: Hex, span: string, work: () => Promise<T>): Promise<T> {
    return context.with(this.#contextOf(requestId, span), work);
  }

  span<T>(
    name: string,
    attributes: SpanAttributes,
    work: (note: (attributes: SpanAttributes) => void) => Promise<T>,
  ): Promise<T> {
    if (trace.getSpan(context.active()) === undefined) return work(() => {});
    return this.#tracer.startActiveSpan(name, { attributes: defined(attributes) }, async (span: Span) => {
      try {
        return await work((more) => span.setAttributes(defined(more)));
      } catch (error) {
        const message = error instanceof CoprocessorError ? `${error.code}: ${error.message}` : String(error);
        span.setStatus({ code: SpanStatusCode.ERROR, message: message.slice(0, MAX_VALUE_CHARACTERS) });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  /** A context whose span is the one that `tell` will make, or has made, under this name. */
  #contextOf(requestId: Hex, name: string): Context {
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId: traceIdOf(requestId),
      spanId: this.#spanIdOf(requestId, name),
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    });
  }

  /** The same after a restart, so that spans find their parent, whoever tells that one. */
  #spanIdOf(requestId: Hex, name: string): string {
    return createHash("sha256").update(`${this.#actor} ${requestId} ${name}`).digest("hex").slice(0, 16);
  }
}

/** A request's id is a hash, and so are its first 16 bytes. */
export const traceIdOf = (requestId: Hex): string => requestId.slice(2, 34);

/** Ids of the span that is made next; random ones when none were chosen. */
class ChosenIds implements IdGenerator {
  #chosen: { traceId: string; spanId: string } | null = null;

  choose(traceId: string, spanId: string): void {
    this.#chosen = { traceId, spanId };
  }

  forget(): void {
    this.#chosen = null;
  }

  generateTraceId(): string {
    return this.#chosen?.traceId ?? randomBytes(16).toString("hex");
  }

  generateSpanId(): string {
    return this.#chosen?.spanId ?? randomBytes(8).toString("hex");
  }
}

const withRequest = (requestId: Hex, attributes: SpanAttributes) =>
  defined({ "sibyl.request.id": requestId, ...attributes });

const defined = (attributes: SpanAttributes): Record<string, string | number | boolean> =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)) as Record<
    string,
    string | number | boolean
  >;
