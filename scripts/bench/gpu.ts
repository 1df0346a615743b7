/**
 * Each model on an accelerator beside the CPU, at batch 1 to 64, and whether the two agree:
 *
 *     npm run bench:gpu [-- --provider cuda] [--seconds 2] [--json]
 *
 * Needs a machine with the hardware and the provider's libraries; without them it says which model could not be run and
 * exits with 1; `gpuPack.ts` packs all of it for a machine without a registry. What really computed is in each row. TF32 is switched off, as it has to be for an operator's answers.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openWorkbench, PROVIDERS, type Provider } from "@sibyl/coprocessor";
import { agree, encodeInput, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { fetchWeights } from "../models/weights.ts";

interface Row {
  model: string;
  batch: number;
  /** What computed on the accelerator's side, in the runtime's order. */
  used: string;
  itemsPerSec: number;
  cpuItemsPerSec: number;
  ratio: number;
  /** Of the sample inputs, how many of the accelerator's answers agree with the CPU's under the model's profile. */
  agreeing: string;
}

const MODELS = "models";
const BATCHES = [1, 2, 4, 8, 16, 32, 64];

const { values } = parseArgs({
  options: {
    provider: { type: "string", default: "cuda" },
    seconds: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
const forMs = Number(values.seconds) * 1000;
const provider = values.provider as Provider;
if (!PROVIDERS.includes(provider) || !(forMs > 0))
  throw new Error(`--provider is one of ${PROVIDERS.join(", ")}`);

const rows: Row[] = [];
const notRun: { model: string; reason: string }[] = [];
for (const name of readdirSync(MODELS).sort()) {
  await fetchWeights(name);
  const manifest = parseManifest(readFileSync(join(MODELS, name, "manifest.json")));
  // A model that may run in WebAssembly alone never gets to an accelerator.
  if (manifest.runner === "wasm") continue;
  const { cases } = JSON.parse(readFileSync(join(MODELS, name, "goldens.json"), "utf8")) as {
    cases: { input?: Hex; value?: string }[];
  };
  const inputs = cases.map(({ input, value }) => input ?? encodeInput("text", String(value)));
  try {
    for (const batch of manifest.batch === undefined ? [1] : BATCHES) {
      const cpu = await measure(manifest, inputs, "cpu", batch);
      const fast = await measure(manifest, inputs, provider, batch);
      const agreeing = cpu.outputs.filter(
        (output, at) =>
          agree(manifest.output.codec, manifest.profile, output, fast.outputs[at] as Hex).agrees,
      );
      const row = {
        model: name,
        batch,
        used: fast.used,
        itemsPerSec: Math.round(fast.itemsPerSec),
        cpuItemsPerSec: Math.round(cpu.itemsPerSec),
        ratio: Number((fast.itemsPerSec / cpu.itemsPerSec).toFixed(2)),
        agreeing: `${agreeing.length} of ${inputs.length}`,
      };
      rows.push(row);
      if (!values.json) console.log(row);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    notRun.push({ model: name, reason });
    if (!values.json) console.log(`${name}: not run on ${provider}: ${reason}`);
  }
}
if (values.json) console.log(JSON.stringify({ provider, rows, notRun }, null, 2));
if (notRun.length > 0) process.exitCode = 1;

async function measure(manifest: ModelManifest, inputs: readonly Hex[], where: Provider, batch: number) {
  const id = modelId(manifest);
  const workbench = openWorkbench({
    modelFolders: [MODELS],
    dataDir: ".sibyl",
    threads: 1,
    providers: { provider: where, ofModel: { [id]: where } },
  });
  try {
    const resolved = await workbench.models.resolve(id, "");
    const { batch: _, ...single } = manifest;
    const model = { ...resolved, manifest: batch === 1 ? single : { ...manifest, batch: { max: batch } } };
    const run = (at: number) =>
      workbench.engine.run(model, inputs[at % inputs.length] as Hex, { timeoutMs: 60_000 });
    const { runtime } = await run(0);
    const answers = await Promise.all(inputs.map((_input, at) => run(at)));
    let items = 0;
    const startMs = performance.now();
    const lane = async (first: number) => {
      for (let at = first; performance.now() - startMs < forMs; at += 2 * batch) {
        await run(at);
        items += 1;
      }
    };
    // One batch runs while the next one gathers.
    await Promise.all(Array.from({ length: 2 * batch }, (_lane, at) => lane(at)));
    return {
      itemsPerSec: (items * 1000) / (performance.now() - startMs),
      used: runtime.used.join("+"),
      outputs: answers.map(({ output }) => output),
    };
  } finally {
    await workbench.close();
  }
}
