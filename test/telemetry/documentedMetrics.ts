import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const OPERATE = join(import.meta.dirname, "..", "..", "docs", "operate");

/** A PromQL expression of the documentation, and where it stands. */
export interface DocumentedQuery {
  place: string;
  expr: string;
}

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

/** Everything that the dashboard and the alert rules ask Prometheus. */
export function documentedQueries(): DocumentedQuery[] {
  const dashboard = JSON.parse(readFileSync(join(OPERATE, "grafana-dashboard.json"), "utf8")) as {
    panels: Panel[];
  };
  const { groups } = parse(readFileSync(join(OPERATE, "alerts.yaml"), "utf8")) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  return [
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ place: `panel ${title}`, expr })),
    ),
    ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ place: `alert ${alert}`, expr }))),
  ];
}

/** Names in an expression that are metrics of ours or of Node.js, without what a histogram adds to its own. */
export const metricsIn = (expr: string): string[] =>
  [...expr.matchAll(/\b(?:sibyl|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);

/** What a query names and these metrics are not; a histogram has `_bucket`, `_sum` and `_count`. */
export function missingIn(expr: string, types: ReadonlyMap<string, string>): string[] {
  return metricsIn(expr).filter((name) => {
    if (types.has(name)) return types.get(name) === "histogram";
    const [, base] = /^(.+)_(?:bucket|sum|count)$/.exec(name) ?? [];
    return base === undefined || types.get(base) !== "histogram";
  });
}
