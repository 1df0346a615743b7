/**
 * Runs every model's goldens on this machine and prints them beside what was measured in training:
 *
 *     npm run models:eval [-- --json] [--provider cpu] [model…]
 *
 * Exit status 1 when a golden does not hold under its model's profile. The held-out figures are those of the manifest:
 * the data that they were measured on is fetched by the training scripts and lies in no repository.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openWorkbench, PROVIDERS, type Provider } from "@sibyl/coprocessor";
import { agree, encodeInput, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";

interface Golden {
  name: string;
  input?: Hex;
  value?: unknown;
  output: Hex;
}

const MODELS = "models";
const TIMEOUT_MS = 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, provider: { type: "string", default: "cpu" } },
});
if (!isProvider(values.provider)) throw new Error(`--provider is one of ${PROVIDERS.join(", ")}`);
const provider = values.provider;

const rows = [];
for (const name of positionals.length > 0 ? positionals : readdirSync(MODELS).sort()) {
  const manifest = parseManifest(readFileSync(join(MODELS, name, "manifest.json")));
  const { cases } = JSON.parse(readFileSync(join(MODELS, name, "goldens.json"), "utf8")) as {
    cases: Golden[];
  };
  const result = await runGoldens(manifest, cases);
  const row = {
    model: name,
    task: manifest.task.type,
    profile: manifest.profile,
    ...result,
    metrics: manifest.metrics,
  };
  rows.push(row);
  if (values.json) continue;
  const { goldens, same, failed, runtime } = result;
  console.log(
    `${name}: ${goldens - failed.length} of ${goldens} goldens hold (${same} byte for byte) on ${runtime}`,
  );
  for (const failure of failed) console.log(`  ${failure}`);
  for (const [what, figures] of Object.entries((manifest.metrics ?? {}) as Record<string, unknown>)) {
    console.log(`  ${what}: ${shown(figures)}`);
  }
}
if (values.json) console.log(JSON.stringify(rows, null, 2));
if (rows.some(({ failed }) => failed.length > 0)) process.exitCode = 1;

async function runGoldens(manifest: ModelManifest, cases: readonly Golden[]) {
  const id = modelId(manifest);
  const own = manifest.runner === "wasm" ? "wasm" : provider;
  const workbench = openWorkbench({
    modelFolders: [MODELS],
    dataDir: ".sibyl",
    threads: 1,
    providers: { provider, ofModel: { [id]: own } },
  });
  const failed: string[] = [];
  let [same, runtime] = [0, ""];
  try {
    const model = await workbench.models.resolve(id, "");
    for (const golden of cases) {
      const input = golden.input ?? encodeInput("text", String(golden.value));
      const result = await workbench.engine.run(model, input, { timeoutMs: TIMEOUT_MS });
      const { library, version, used } = result.runtime;
      runtime = `${library}@${version} ${used.join("+")}`;
      if (result.output === golden.output) same += 1;
      const agreement = agree(manifest.output.codec, manifest.profile, result.output, golden.output);
      if (!agreement.agrees) failed.push(`${golden.name}: ${agreement.reason}`);
    }
  } finally {
    await workbench.close();
  }
  return { goldens: cases.length, same, failed, runtime };
}

/** Figures of one line; tables and long lists stay in the manifest. */
function shown(figures: unknown): string {
  if (typeof figures !== "object" || figures === null) return String(figures);
  return Object.entries(figures)
    .filter(([, value]) => typeof value !== "object")
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function isProvider(text: string): text is Provider {
  return (PROVIDERS as readonly string[]).includes(text);
}
