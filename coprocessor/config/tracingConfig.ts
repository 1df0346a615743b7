import { z } from "zod";
import { list, urlOf } from "./values.ts";

/** Where traces go. */
export interface TracingConfig {
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  /** Part of the requests that are traced, 0 to 1. */
  sampleRatio: number;
  /** Null is the command's own name. */
  serviceName: string | null;
}

const headers = list.transform((items, context) => {
  const entries = items.map((item) => [
    item.slice(0, item.indexOf("=")).trim(),
    item.slice(item.indexOf("=") + 1),
  ]);
  if (items.every((item) => /^[\w-]+\s*=/.test(item)))
    return Object.fromEntries(entries.map(([name, value = ""]) => [name, decoded(value.trim())])) as Record<
      string,
      string
    >;
  // Not the value: it is mostly a token.
  context.addIssue({ code: "custom", message: "must be name=value, comma-separated" });
  return z.NEVER;
});

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Names and meanings are OpenTelemetry's own. */
export const tracingEnvironment = {
  OTEL_EXPORTER_OTLP_ENDPOINT: urlOf(["http:", "https:"]).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headers.prefault(""),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  OTEL_SERVICE_NAME: z.string().optional(),
};

type TracingEnvironment = z.output<z.ZodObject<typeof tracingEnvironment>>;

/** Null is no traces at all. */
export const tracingConfigOf = (env: TracingEnvironment): TracingConfig | null =>
  env.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
    ? null
    : {
        endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
        headers: env.OTEL_EXPORTER_OTLP_HEADERS,
        sampleRatio: env.OTEL_TRACES_SAMPLER_ARG,
        serviceName: env.OTEL_SERVICE_NAME ?? null,
      };
