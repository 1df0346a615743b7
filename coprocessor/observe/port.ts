import type { Hex } from "viem";
import type { Stage } from "../core/journey.ts";
import type { OutboxKind } from "../core/outbox.ts";
import type { RequestState } from "../core/request.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Structured log, pino's call order: fields first, then the message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

/** What is said about a span: values that a trace view can filter by. */
export type SpanAttributes = Record<string, string | number | boolean | undefined>;

/** A part of a request's way that is over. */
export interface EndedSpan {
  /** Of a request or a dispute; the trace's id is its first 16 bytes. */
  requestId: Hex;
  name: string;
  /** Name of the span that it belongs to; null for the request as a whole. */
  within: string | null;
  /** Unix milliseconds. */
  from: number;
  to: number;
  attributes: SpanAttributes;
  /** Why it did not go well; null when it did. */
  fault: string | null;
}

/**
 * Tells what happened to one request, across the machines that it went through.
 *
 * Implementations: `otelTracing`, which sends to an OpenTelemetry collector, and `noTracing`, which does nothing. A trace's
 * id follows from its request's, so that neither a restart nor another machine loses it. Deliberately excluded: the queue's
 * own spans, which the queue's adapter makes.
 */
export interface Tracing {
  /** False when nothing is told to anybody. */
  readonly on: boolean;
  tell(span: EndedSpan): void;
  /** Does work as a part of a request's span, so that a job that it hands to the queue is known to belong there. */
  within<T>(requestId: Hex, span: string, work: () => Promise<T>): Promise<T>;
  /** Does work in a span of its own, if it is part of a request's trace. `note` adds what is known only afterwards. */
  span<T>(
    name: string,
    attributes: SpanAttributes,
    work: (note: (attributes: SpanAttributes) => void) => Promise<T>,
  ): Promise<T>;
  /** The same for another actor of this process. It ends with this one; to close it closes nothing. */
  as(actor: string): Tracing;
  /** Sends what is left, for at most 2 s. */
  close(): Promise<void>;
}

/** One call of an RPC endpoint; `refused`: it understood the call and declined it. */
export interface RpcCall {
  /** Host and port: paths, queries and users of RPC URLs often are keys. */
  endpoint: string;
  method: string;
  outcome: "answered" | "refused" | "failed";
  durationMs: number;
}

/** What becomes of a transaction that we owe; `held`: it would cost more than it pays. */
export type TransactionEvent = "signed" | "replaced" | "mined" | "reverted" | "abandoned" | "held";

/** Counts and times what a node does, as it happens. Labels never carry a request. */
export interface NodeMetrics {
  stageEnded(stage: Stage, durationMs: number): void;
  /** @param durationMs From its block; null when we do not know it. */
  requestOver(state: RequestState, durationMs: number | null): void;
  transaction(kind: OutboxKind, event: TransactionEvent): void;
  reorganised(depthBlocks: number): void;
  rpcCalled(call: RpcCall): void;
}

/** One job that a worker took; `failed` comes with the fault's code. */
export interface WorkedJob {
  modelId: Hex;
  /** Its manifest's name; null when that could not be had. */
  modelName: string | null;
  outcome: "done" | "failed";
  /** Null when the model did not run. */
  run: { loadMs: number; runMs: number; batch: number } | null;
}

/** Counts and times what a worker does. */
export interface WorkMetrics {
  /** @param by 1 for a job that was taken, -1 for one that ended. */
  running(by: 1 | -1): void;
  worked(job: WorkedJob): void;
}

/** All that a process counts, in Prometheus' text format. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
  /** The same as plain values, one for each name, to be shown together with others'. */
  families(): Promise<readonly object[]>;
}
