import { context as active, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import type { Span, SpanOptions, Telemetry } from "bullmq";
import { BullMQOtel } from "bullmq-otel";

/** What happens to a job. The rest, looks for work, locks and stalled jobs, belongs to no request. */
const TRACED = /^(add|process|complete|retry|delay|fail|moveToFailed)\b/;

/**
 * BullMQ's OpenTelemetry integration: a job carries its trace from the node to whichever worker takes it.
 *
 * Without the spans that belong to no request's trace, and without the events that repeat a job's whole output.
 */
export function createBullmqTracing(): Telemetry {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: "sibyl queue" });
  return {
    tracer: {
      startSpan(name: string, options?: SpanOptions, context?) {
        if (!TRACED.test(name) || trace.getSpan(context ?? active.active()) === undefined) return SILENT;
        const span = tracer.startSpan(name, options as never, context) as Span;
        return {
          setSpanOnContext: (parent) => span.setSpanOnContext(parent),
          setAttribute: (key, value) => span.setAttribute(key, value),
          setAttributes: (attributes) => span.setAttributes(attributes),
          addEvent: () => {},
          recordException: (exception, time) => span.recordException(exception, time),
          end: () => span.end(),
        };
      },
    },
    contextManager: {
      with: (context, work) => contextManager.with(context, work),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      getMetadata: (context) => contextManager.getMetadata(context),
      fromMetadata: (context, metadata) => contextManager.fromMetadata(context, metadata),
    },
  };
}

const SILENT: Span = {
  setSpanOnContext: (context) => context,
  setAttribute: () => {},
  setAttributes: () => {},
  addEvent: () => {},
  recordException: () => {},
  end: () => {},
};
