import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { challengeVectors } from "./vectors/challenges.ts";
import { codecVectors } from "./vectors/codecs.ts";
import { comparisonVectors } from "./vectors/comparison.ts";
import { feePaymentVectors } from "./vectors/feePayments.ts";
import { manifestVectors } from "./vectors/manifest.ts";
import { packingVectors } from "./vectors/packing.ts";
import { signatureVectors } from "./vectors/signatures.ts";
import { sortitionVectors } from "./vectors/sortition.ts";

/**
 * Writes `test/vectors/*.json`, the bytes that Solidity and TypeScript must agree on.
 *
 * `--check` writes nothing and fails when a file is not what the SDK gives now.
 */
const folder = new URL("../../test/vectors/", import.meta.url);
const check = process.argv.includes("--check");

const files: Record<string, object> = {
  ...packingVectors(),
  ...challengeVectors(),
  ...(await signatureVectors()),
  ...feePaymentVectors(),
  ...sortitionVectors(),
  ...codecVectors(),
  ...comparisonVectors(),
  ...manifestVectors(),
};

const stale: string[] = [];
mkdirSync(folder, { recursive: true });
for (const [name, content] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`${name}.json`, folder));
  const text = `${JSON.stringify(sortKeys(content), null, 2)}\n`;
  if (!check) writeFileSync(path, text);
  else if (read(path) !== text) stale.push(`test/vectors/${name}.json`);
}
if (stale.length > 0) {
  console.error(
    `Not what the SDK gives now; run "npx tsx scripts/generate/vectors.ts":\n  ${stale.join("\n  ")}`,
  );
  process.exitCode = 1;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Forge decodes objects into structs by alphabetical key, so the files show that order; bigints become decimals. */
function sortKeys(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortKeys(item)]),
  );
}
