/**
 * Writes `models/sentence-embedding` from the Universal Sentence Encoder Lite: fetches it, converts it, compares the
 * result with the original in TensorFlow.js, and measures it.
 *
 *     node --import tsx scripts/models/sentence-embedding/publish.ts
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeInput, encodeOutput, modelId, parseManifest, toWad } from "@sibyl/sdk";
import type { Hex } from "viem";
import { answersTo, MODELS, openAnswering } from "../answering.ts";
import { cosineOf, measureSentenceEmbedding, vectorOf } from "../heldOut/sentenceEmbedding.ts";
import { npmPackage } from "../npmPackage.ts";
import { heldOutChapters } from "../textSource.ts";
import { modelCard } from "./card.ts";
import { encoderGraph, encoderTokenizer, MAX_TOKENS } from "./convert.ts";
import { openReference } from "./reference.ts";
import { ENCODER } from "./source.ts";

const FOLDER = join(MODELS, "sentence-embedding");
/** Texts that the converted graph and the original both run. */
const COMPARED = 60;
/** Many times what was measured here: room for other processors and runtime versions. */
const PROFILE = { kind: "tolerance", abs: "0.0001", rel: "0" } as const;

const GOLDENS: readonly { name: string; value: string }[] = [
  { name: "a greeting", value: "Hello, world." },
  { name: "a question", value: "How old are you?" },
  { name: "the same question", value: "What is your age?" },
  { name: "a word", value: "whale" },
  { name: "digits", value: "1234567890" },
  { name: "accents", value: "Déjà vu à Zürich" },
  { name: "emoji", value: "great job 🎉" },
  {
    name: "more than 128 tokens",
    value: "Call me Ishmael. Some years ago, never mind how long precisely. ".repeat(20).trim(),
  },
];

const source = await npmPackage(ENCODER);
const files = { "model.onnx": encoderGraph(source), "tokenizer.json": encoderTokenizer(source) };
mkdirSync(FOLDER, { recursive: true });
for (const [path, bytes] of Object.entries(files)) writeFileSync(join(FOLDER, path), bytes);
const unmeasured = {
  schema: "sibyl/model@1",
  name: "sentence-embedding",
  version: "1.0.0",
  description: "Turns an English text into 512 numbers; texts that mean alike get vectors that point alike.",
  license: "Apache-2.0",
  files: Object.entries(files).map(([path, bytes]) => ({
    path,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes: bytes.length,
  })),
  entry: "model.onnx",
  input: { codec: "text", maxBytes: 4_096 },
  output: { codec: "vector" },
  task: {
    type: "sentence-embedding",
    tokenizer: "tokenizer.json",
    specialTokens: false,
    maxTokens: MAX_TOKENS,
    overlong: "truncate",
    padding: { token: 0, bucketTokens: 16 },
  },
  profile: PROFILE,
  batch: { max: 32 },
  sources: [
    {
      name: "Universal Sentence Encoder Lite (Google), for TensorFlow.js",
      package: `${ENCODER.name}@${ENCODER.version}`,
      license: "Apache-2.0",
      script: "scripts/models/sentence-embedding/publish.ts",
    },
  ],
};
writeJson("manifest.json", unmeasured);
const model = await openAnswering("sentence-embedding", "cpu", 1);
const metrics = await measureSentenceEmbedding(model);

const reference = await openReference(source);
const compared = [...GOLDENS.map(({ value }) => value), ...(await sentences())]
  .filter(isKnown)
  .slice(0, COMPARED);
const inputs = compared.map((text) => encodeInput("text", text));
const alone: Hex[] = [];
for (const input of inputs) alone.push(await model.answer(input));
const together = await answersTo(model, inputs);
let [fromOriginal, inCompany] = [0, 0];
for (const [at, text] of compared.entries()) {
  const own = vectorOf(alone[at] ?? "0x");
  const original = Array.from(await reference.embedding(reference.tokens(text).slice(0, MAX_TOKENS)));
  const length = Math.sqrt(cosineOf(original, original));
  fromOriginal = Math.max(fromOriginal, ...own.map((n, i) => Math.abs(n - (original[i] as number) / length)));
  const other = vectorOf(together[at] ?? "0x");
  inCompany = Math.max(inCompany, ...own.map((n, i) => Math.abs(n - (other[i] as number))));
}
if (10 * (inCompany + 2 * fromOriginal) > Number(PROFILE.abs)) {
  throw new Error(`${inCompany} in company and ${fromOriginal} from the original are too near the tolerance`);
}
const spread = { texts: compared.length, fromOriginal: bound(fromOriginal), inCompany: bound(inCompany) };
const manifest = parseManifest({ ...unmeasured, metrics: { ...metrics, spread } });
const cases = [];
for (const { name, value } of GOLDENS) {
  const input = encodeInput("text", value);
  // Where the original can be asked, its answer is the golden, so that the goldens are a check of both.
  const output = isKnown(value)
    ? encodeOutput(
        "vector",
        unit(await reference.embedding(reference.tokens(value).slice(0, MAX_TOKENS))).map(toWad),
      )
    : await model.answer(input);
  cases.push({ name, value, by: isKnown(value) ? "the original" : "this graph", input, output });
}
await model.close();
writeJson("manifest.json", manifest);
writeJson("goldens.json", { modelId: modelId(manifest), cases });
writeFileSync(
  join(FOLDER, "README.md"),
  modelCard(manifest, modelId(manifest), metrics.neighbours ?? {}, spread),
);
console.log(
  JSON.stringify({ modelId: modelId(manifest), metrics: manifest.metrics, fromOriginal, inCompany }),
);

/** Whether the original's tokenizer has pieces for all of a text; it stumbles over unknown characters. */
function isKnown(text: string): boolean {
  try {
    return reference.tokens(text).length > 0;
  } catch {
    return false;
  }
}

async function sentences(): Promise<string[]> {
  const text = (await heldOutChapters()).join(" ").replace(/\s+/g, " ");
  return text
    .split(/(?<=[.!?]) (?=[A-Z])/)
    .filter((sentence) => sentence.length > 20 && sentence.length < 600);
}

function unit(vector: Float32Array): number[] {
  const length = Math.sqrt(vector.reduce((sum, n) => sum + n * n, 0));
  return Array.from(vector, (n) => n / length);
}

/** The next power of ten: the last digits are this machine's and must not get into the model's id. */
function bound(gap: number): number {
  return gap === 0 ? 0 : Number(`1e${Math.ceil(Math.log10(gap))}`);
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(FOLDER, name), `${JSON.stringify(value, null, 2)}\n`);
}
