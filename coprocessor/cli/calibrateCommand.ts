import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { encodeInput, formatWad, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import { Command, Option } from "commander";
import { type Hex, isHex } from "viem";
import { z } from "zod";
import { disagreements, measureSpread, proposeProfile } from "../core/calibration.ts";
import { CoprocessorError } from "../core/errors.ts";
import { isAccelerator, PROVIDERS, type Provider } from "../core/runtime.ts";
import type { WorkbenchOptions } from "../workbench.ts";
import { positiveInteger } from "./workbenchOptions.ts";

/** One way of running a model. */
interface Setting {
  provider: Provider;
  intraOpThreads: number;
  optimisation: NonNullable<WorkbenchOptions["optimisation"]>;
  /** Most requests run together. */
  batch: number;
}

const LEVELS = ["disabled", "basic", "extended", "all"] as const;
const THREADS = [1, 2, 4];
const TIMEOUT_MS = 60_000;

/** The goldens' form, of which inputs are enough. */
const samples = z.object({
  cases: z.array(z.looseObject({ input: z.string().optional(), value: z.unknown().optional() })).min(2),
});

export function calibrateCommand(): Command {
  return new Command("calibrate")
    .description(
      "Runs a model's sample inputs over threads, optimisation levels, batch sizes and providers, and proposes a " +
        "profile from how far apart the answers come. Prints JSON; exit status 2 when the manifest's own does not hold.",
    )
    .argument("<folder>", "the model's folder, with manifest.json")
    .option(
      "--inputs <file>",
      'JSON {"cases": [{"input": "0x…"} or {"value": "text"}, …]}; goldens.json when left out',
    )
    .addOption(
      new Option("--providers <list...>", "where to run beside the CPU").choices(PROVIDERS).default(["wasm"]),
    )
    .option("--limit <count>", "sample inputs at most", positiveInteger, 200)
    .action(async (folder: string, options: { inputs?: string; providers: Provider[]; limit: number }) => {
      const manifest = parseManifest(await readFile(join(folder, "manifest.json")));
      const inputs = await readInputs(options.inputs ?? join(folder, "goldens.json"), manifest);
      const chosen = inputs.slice(0, options.limit);
      const settings = settingsFor(manifest, options.providers);
      const runs: Hex[][] = [];
      for (const setting of settings) runs.push(await answers(folder, manifest, setting, chosen));
      const { codec } = manifest.output;
      const spread = measureSpread(codec, runs);
      const broken = disagreements(codec, manifest.profile, runs);
      const { maxAbsWad, maxRelWad, ...counts } = spread;
      console.log(
        JSON.stringify(
          {
            model: `${manifest.name} ${manifest.version}`,
            ...counts,
            maxAbs: formatWad(maxAbsWad),
            maxRel: formatWad(maxRelWad),
            manifest: { profile: manifest.profile, disagreements: broken },
            proposed: proposeProfile(spread),
          },
          null,
          2,
        ),
      );
      if (broken > 0) process.exitCode = 2;
    });
}

/** The canonical runner has one setting for everybody; what it is compared with is itself in another process. */
function settingsFor(manifest: ModelManifest, providers: readonly Provider[]): Setting[] {
  const batches = [...new Set([1, manifest.batch?.max ?? 1])];
  const canonical = { provider: "wasm", intraOpThreads: 1, optimisation: "all" } as const;
  if (manifest.runner === "wasm") return [canonical, canonical].map((setting) => ({ ...setting, batch: 1 }));
  const native = LEVELS.flatMap((optimisation) =>
    THREADS.flatMap((intraOpThreads) =>
      batches.map((batch) => ({ provider: "cpu" as const, intraOpThreads, optimisation, batch })),
    ),
  );
  const others = providers
    .filter((provider) => provider !== "cpu")
    .flatMap((provider) =>
      (isAccelerator(provider) ? LEVELS : (["all"] as const)).flatMap((optimisation) =>
        batches.map((batch) => ({ provider, intraOpThreads: 1, optimisation, batch })),
      ),
    );
  return [...native, ...others];
}

async function answers(
  folder: string,
  manifest: ModelManifest,
  { batch, provider, ...runtime }: Setting,
  inputs: readonly Hex[],
): Promise<Hex[]> {
  const { openWorkbench } = await import("../workbench.ts");
  const id = modelId(manifest);
  const workbench = openWorkbench({
    modelFolders: [dirname(resolve(folder))],
    dataDir: ".sibyl",
    threads: 1,
    // By its id, so that an exact model too goes where it is sent.
    providers: { provider, ofModel: { [id]: provider } },
    ...runtime,
  });
  try {
    const model = await workbench.models.resolve(id, "");
    const { batch: _, ...single } = manifest;
    const limited = { ...model, manifest: batch === 1 ? single : manifest };
    const run = async (input: Hex) =>
      (await workbench.engine.run(limited, input, { timeoutMs: TIMEOUT_MS })).output;
    // All at once fill batches; one after the other runs each alone.
    if (batch > 1) return await Promise.all(inputs.map(run));
    const outputs: Hex[] = [];
    for (const input of inputs) outputs.push(await run(input));
    return outputs;
  } finally {
    await workbench.close();
  }
}

async function readInputs(path: string, manifest: ModelManifest): Promise<Hex[]> {
  const parsed = samples.safeParse(JSON.parse(await readFile(path, "utf8")));
  const fail = (fault: string) =>
    new CoprocessorError(`${path} has no sample inputs: ${fault}`, {
      code: "model/bad-samples",
      retry: "never",
      meta: { path },
    });
  if (!parsed.success) throw fail(z.prettifyError(parsed.error));
  return parsed.data.cases.map(({ input, value }, at) => {
    if (input !== undefined && isHex(input)) return input;
    if (manifest.input.codec === "text" && typeof value === "string") return encodeInput("text", value);
    throw fail(`case ${at} has neither "input" in hex nor a text as "value"`);
  });
}
