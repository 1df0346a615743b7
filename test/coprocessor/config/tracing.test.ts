import { describe, expect, test } from "vitest";
import { readWorkerConfig } from "../../../coprocessor/config/workerConfig.ts";

const REQUIRED = { QUEUE_URL: "redis://127.0.0.1", QUEUE_NAMESPACE: "1-7" };
const read = (variables: Record<string, string>) => readWorkerConfig({ ...REQUIRED, ...variables });
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

describe("traces", () => {
  test("nothing is traced unless a collector is named", () => {
    expect(read({}).tracing).toBeNull();
    expect(read({ OTEL_TRACES_SAMPLER_ARG: "0.1" }).tracing).toBeNull();
  });

  test("OpenTelemetry's own variables say where, how much, and as whom", () => {
    expect(read(ENDPOINT).tracing).toEqual({
      endpoint: "http://collector:4318",
      headers: {},
      sampleRatio: 1,
      serviceName: null,
    });
    const more = {
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a=b, x-tenant=7",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_SERVICE_NAME: "gpu",
    };
    expect(read({ ...ENDPOINT, ...more }).tracing).toMatchObject({
      headers: { authorization: "Bearer a=b", "x-tenant": "7" },
      sampleRatio: 0.25,
      serviceName: "gpu",
    });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    [
      "an endpoint of another kind",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" },
      /OTEL_EXPORTER_OTLP_ENDPOINT must be a URL/,
    ],
    ["more than everything", { OTEL_TRACES_SAMPLER_ARG: "2" }, /OTEL_TRACES_SAMPLER_ARG/],
  ])("refused: %s", (_title, variables, message) => {
    expect(() => read({ ...ENDPOINT, ...variables })).toThrow(message);
  });

  test("a header that is none is refused without being shown: it may be a token", () => {
    const wrong = () => read({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: "sEcReT" });
    expect(wrong).toThrow(/OTEL_EXPORTER_OTLP_HEADERS must be name=value/);
    expect(wrong).not.toThrow(/sEcReT/);
  });
});

test("a worker is asked for its health and metrics only where that was wanted", () => {
  expect(read({}).status).toBeNull();
  expect(read({ STATUS_LISTEN: "0.0.0.0:4002" }).status).toEqual({ host: "0.0.0.0", port: 4_002 });
});
