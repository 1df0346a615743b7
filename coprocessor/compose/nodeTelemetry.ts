import type { Exposition, NodeMetrics } from "../observe/port.ts";
import { createRegistry, expositionOf, type MetricsRegistry } from "../observe/promExposition.ts";
import { createNodeGauges } from "../observe/promNodeGauges.ts";
import { createNodeMetrics } from "../observe/promNodeMetrics.ts";
import { type NodeFiguresParts, nodeFigures } from "./nodeFigures.ts";
import type { Role } from "./nodeStatus.ts";
import { VERSION } from "./version.ts";

/** What a node counts, and how it is asked for it. */
export interface NodeTelemetry {
  /** For what an embedded worker counts beside. */
  registry: MetricsRegistry;
  metrics: NodeMetrics;
  /** Once the parts are there that know how the node stands. */
  exposition(parts: NodeFiguresParts): Exposition;
}

export function openNodeTelemetry(role: Role): NodeTelemetry {
  const registry = createRegistry({ version: VERSION, role });
  const show = createNodeGauges(registry);
  return {
    registry,
    metrics: createNodeMetrics(registry),
    exposition(parts) {
      const read = nodeFigures(parts);
      return expositionOf(registry, async () => show(await read()));
    },
  };
}
