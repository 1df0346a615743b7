import type { Exposition, NodeMetrics } from "../observe/port.ts";
import { expositionOf, type MetricsRegistry } from "../observe/promExposition.ts";
import { createNodeGauges } from "../observe/promNodeGauges.ts";
import { createNodeMetrics } from "../observe/promNodeMetrics.ts";
import type { ProcessFigures } from "../observe/promProcessGauges.ts";
import { type NodeFiguresParts, nodeFigures } from "./nodeFigures.ts";

/** What a node counts, and how it is asked for it. */
export interface NodeTelemetry {
  metrics: NodeMetrics;
  /** Once the parts are there that know how the node stands. */
  exposition(parts: NodeFiguresParts): Exposition;
}

/** @param showProcess See `createNodeGauges`. */
export function openNodeTelemetry(
  registry: MetricsRegistry,
  showProcess: (figures: ProcessFigures) => void,
): NodeTelemetry {
  const show = createNodeGauges(registry, showProcess);
  return {
    metrics: createNodeMetrics(registry),
    exposition(parts) {
      const read = nodeFigures(parts);
      return expositionOf(registry, async () => show(await read()));
    },
  };
}
