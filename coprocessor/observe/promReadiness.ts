import { Gauge, type Registry } from "prom-client";

/** Gauges of whether somebody can be served, and why not. @returns what sets them, given codes of what is missing. */
export function createReadinessGauges(registry: Registry): (notReady: readonly string[]) => void {
  const registers = [registry];
  const ready = new Gauge({ name: "sibyl_ready", help: "1 while the node can serve requests.", registers });
  const reasons = new Gauge({
    name: "sibyl_not_ready",
    help: "1 for each reason why the node cannot serve; see /readyz.",
    labelNames: ["reason"],
    registers,
  });
  return (notReady) => {
    reasons.reset();
    ready.set(notReady.length === 0 ? 1 : 0);
    for (const reason of notReady) reasons.set({ reason }, 1);
  };
}
