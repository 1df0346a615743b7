import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Teardown } from "../network/teardown.ts";
import { startBenchNetwork } from "./benchNetwork.ts";
import { GAS_BOUNDS, GAS_KEYS } from "./gasBounds.ts";
import { type GasMeasurement, measureGas } from "./measureGas.ts";
import type { Repayment } from "./repayment.ts";

/** What a settlement is repaid may differ from what its receipt says by this much, of the receipt. */
const REPAYMENT_TOLERANCE = 0.02;

/** Committed, so that a change of gas is seen in review; `--write` makes it anew. */
const SNAPSHOT = join(import.meta.dirname, "..", "..", "test", "contracts", "gas-snapshot.json");
/** Calldata costs by its zero bytes, and the signatures and ids of a fresh chain have some here, some there. */
const SNAPSHOT_TOLERANCE = 0.002;

const deviation = ({ usedGas, repaidGas }: Repayment) => repaidGas / usedGas - 1;

const number = (value: number) => value.toLocaleString("en-US");

/** One line for each bound that does not hold. */
function missedBounds({ gas, repayments }: GasMeasurement): string[] {
  const missed: string[] = [];
  for (const key of GAS_KEYS) {
    const { most } = GAS_BOUNDS[key];
    if (most !== undefined && gas[key] > most)
      missed.push(`${key}: ${number(gas[key])} gas is above ${number(most)}`);
  }
  for (const [key, repayment] of Object.entries(repayments)) {
    if (Math.abs(deviation(repayment)) > REPAYMENT_TOLERANCE)
      missed.push(`${key}: repaid ${number(repayment.repaidGas)} gas of ${number(repayment.usedGas)}`);
  }
  return missed;
}

/** One line for each step that costs more or less than the snapshot says. */
function snapshotChanges({ gas }: GasMeasurement): string[] {
  const before = JSON.parse(readFileSync(SNAPSHOT, "utf8")) as Partial<typeof gas>;
  return GAS_KEYS.filter((key) => Math.abs(gas[key] / (before[key] ?? 0) - 1) > SNAPSHOT_TOLERANCE).map(
    (key) =>
      `${key}: ${number(gas[key])} gas; the snapshot says ${before[key]}: look at why, then npm run bench:gas -- --write`,
  );
}

function print({ gas, repayments }: GasMeasurement): void {
  console.log(
    "Gas of receipts, 21,000 and calldata in, release profile, native fee, every balance in use before.\n",
  );
  for (const key of GAS_KEYS) {
    const { step, most, peers } = GAS_BOUNDS[key];
    const bound = most === undefined ? "" : `  (at most ${number(most)})`;
    console.log(`${key.padEnd(14)}${number(gas[key]).padStart(9)}${bound}  ${step}`);
    for (const { peer, gas: theirs, published } of peers)
      console.log(`${"".padEnd(14)}${number(theirs).padStart(9)}  ${peer}${published ? " [published]" : ""}`);
  }
  console.log("\nWhat a submitter is repaid, of what it used:");
  for (const [key, repayment] of Object.entries(repayments)) {
    const percent = (100 * deviation(repayment)).toFixed(2);
    console.log(
      `${key.padEnd(14)}${number(repayment.repaidGas).padStart(9)} of ${number(repayment.usedGas)} (${percent}%)`,
    );
  }
}

function json({ gas, repayments }: GasMeasurement): string {
  const bounds = Object.fromEntries(GAS_KEYS.map((key) => [key, GAS_BOUNDS[key].most ?? null]));
  const peers = Object.fromEntries(GAS_KEYS.map((key) => [key, GAS_BOUNDS[key].peers]));
  return JSON.stringify({ profile: "release", ...gas, bounds, peers, repayments }, null, 2);
}

const teardown = new Teardown();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => void teardown.run().then(() => process.exit(1)));
try {
  const measurement = await measureGas(await startBenchNetwork(teardown));
  if (process.argv.includes("--json")) console.log(json(measurement));
  else print(measurement);
  if (process.argv.includes("--write"))
    writeFileSync(SNAPSHOT, `${JSON.stringify(measurement.gas, null, 2)}\n`);
  const missed = [...missedBounds(measurement), ...snapshotChanges(measurement)];
  if (missed.length > 0) {
    console.error(`\nMissed:\n${missed.map((line) => `  ${line}`).join("\n")}`);
    process.exitCode = 1;
  }
} finally {
  await teardown.run();
}
