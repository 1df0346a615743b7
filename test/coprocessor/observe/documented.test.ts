import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createRegistry } from "../../../coprocessor/observe/promExposition.ts";
import { createNodeGauges } from "../../../coprocessor/observe/promNodeGauges.ts";
import { createNodeMetrics } from "../../../coprocessor/observe/promNodeMetrics.ts";
import { createProcessGauges } from "../../../coprocessor/observe/promProcessGauges.ts";
import { createWorkMetrics } from "../../../coprocessor/observe/promWorkMetrics.ts";
import { documentedQueries, metricsIn, missingIn } from "../../telemetry/documentedMetrics.ts";
import { parseMetrics } from "../../telemetry/metricsText.ts";

const DOCS = join(import.meta.dirname, "..", "..", "..", "docs");

const registry = createRegistry({ version: "1", role: "operator" });
createNodeMetrics(registry);
createNodeGauges(registry, createProcessGauges(registry));
createWorkMetrics(registry, () => 1);

const { types } = parseMetrics(await registry.metrics());
const ours = [...types.keys()].filter((name) => name.startsWith("sibyl_"));

// `test/e2e/observability.test.ts` holds the same to what a running node and worker expose.
describe("dashboard, alerts and page", () => {
  test("every metric that they name is there", () => {
    const missing = documentedQueries().flatMap(({ place, expr }) =>
      missingIn(expr, types).map((name) => `${place}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  test("every metric of ours is in the page's table, and no other", () => {
    const page = readFileSync(join(DOCS, "operate.md"), "utf8");
    const [, rows = ""] = /\| metric \| tells \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(page) ?? [];
    const told = metricsIn(rows).filter((name) => name.startsWith("sibyl_"));
    expect(told.toSorted()).toEqual(ours.toSorted());
  });

  test("names say their units, as Prometheus asks", () => {
    const unitless =
      /^sibyl_(?:info|ready|not_ready|requests|queue_jobs|outbox_transactions|rpc_endpoints|peers_connected|workload_jobs|jobs_running|chain_head_number|inference_batch_size)$/;
    const wrong = ours.filter(
      (name) => !/_(?:seconds|bytes|wei|blocks|total)$/.test(name) && !unitless.test(name),
    );
    expect(wrong).toEqual([]);
    const counters = ours.filter((name) => types.get(name) === "counter");
    expect(counters.filter((name) => !name.endsWith("_total"))).toEqual([]);
  });

  test("each alert says how bad it is, and what to do or where to look", () => {
    const { groups } = parse(readFileSync(join(DOCS, "operate", "alerts.yaml"), "utf8")) as {
      groups: {
        name: string;
        rules: { alert: string; labels: object; annotations: { summary: string } }[];
      }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect([alert, labels]).toEqual([alert, { severity: expect.stringMatching(/^(page|ticket)$/) }]);
      expect([alert, annotations.summary]).toEqual([
        alert,
        expect.stringContaining("{{ $labels.instance }}"),
      ]);
    }
  });

  test("each panel of the dashboard has a place of its own, and says what it shows", () => {
    const { panels } = JSON.parse(readFileSync(join(DOCS, "operate", "grafana-dashboard.json"), "utf8")) as {
      panels: {
        id: number;
        type: string;
        title: string;
        description?: string;
        gridPos: { x: number; y: number; w: number };
      }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ gridPos }) => `${gridPos.x} ${gridPos.y}`)).size).toBe(panels.length);
    for (const { title, type, description, gridPos } of panels) {
      expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
      if (type !== "row") expect([title, description]).toEqual([title, expect.stringMatching(/.{10}/)]);
    }
  });
});
