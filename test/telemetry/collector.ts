import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Teardown } from "../../scripts/network/teardown.ts";

/** A span as OTLP's JSON has it, with what belongs to the whole export beside it. */
export interface CollectedSpan {
  service: string;
  instance: string;
  traceId: string;
  spanId: string;
  /** Empty for the root. */
  parentSpanId: string;
  name: string;
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean>;
  /** 0 unset, 1 ok, 2 error. */
  status: number;
}

export interface Collector {
  url: string;
  spans: CollectedSpan[];
  /** Requests that were no OTLP traces in JSON. */
  refused: string[];
}

interface OtlpValue {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
  boolValue?: boolean;
}
type OtlpAttributes = { key: string; value: OtlpValue }[];
interface OtlpTraces {
  resourceSpans: {
    resource: { attributes: OtlpAttributes };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        attributes?: OtlpAttributes;
        status?: { code?: number };
      }[];
    }[];
  }[];
}

/** Receives traces as a collector does: OTLP over HTTP, in JSON. */
export async function startCollector(teardown: Teardown): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const refused: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const type = request.headers["content-type"];
    if (request.method !== "POST" || request.url !== "/v1/traces" || type !== "application/json") {
      refused.push(`${request.method} ${request.url} ${type}`);
      response.writeHead(415).end();
      return;
    }
    spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString("utf8")) as OtlpTraces));
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  teardown.add("collector", async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, refused };
}

function spansOf({ resourceSpans }: OtlpTraces): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const about = valuesOf(resource.attributes);
    return scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        service: String(about["service.name"]),
        instance: String(about["service.instance.id"]),
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        name: span.name,
        startMs: Number(BigInt(span.startTimeUnixNano) / 1_000n) / 1_000,
        endMs: Number(BigInt(span.endTimeUnixNano) / 1_000n) / 1_000,
        attributes: valuesOf(span.attributes ?? []),
        status: span.status?.code ?? 0,
      })),
    );
  });
}

const valuesOf = (attributes: OtlpAttributes): CollectedSpan["attributes"] =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? Number(value.intValue ?? value.doubleValue),
    ]),
  );
