import type { ModelManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Figures } from "../heldOut/figures.ts";

/** The model's README, so that no figure in it can be out of date. */
export function modelCard(
  { files: [file], license, description }: ModelManifest,
  modelId: Hex,
  { heldOut = {}, heldOutEnlarged = {} }: Readonly<Record<string, Figures>>,
): string {
  return `<!-- Written by scripts/models/digit-image/publish.ts; change scripts/models/digit-image/card.ts instead. -->
# digit-image

${description} The network of [digits](../digits/README.md), which
takes pixels; this one takes a file.

| | |
|---|---|
| modelId | \`${modelId}\` |
| file | \`${file?.path}\`, ${file?.bytes.toLocaleString("en-US")} bytes, the same as that of \`digits\` |
| sha256 | \`${file?.sha256}\` |
| input | \`abi.encode(bytes)\`: a PNG or WebP, at most 32,768 bytes encoded and 1,048,576 pixels |
| output | \`abi.encode(uint32 label, uint256 confidence)\`; the label is the digit; confidence in WAD |
| licence | ${license} |
| runs in | ONNX Runtime, CPU; standard operators only |

## How good it is

The held-out MNIST images of \`digits\`, as PNGs with dark ink on white paper.

| images | n | accuracy | ECE |
|---|---|---|---|
| of 28 pixels | ${heldOut.rows} | ${heldOut.accuracy} | ${heldOut.ece} |
| enlarged to 140 pixels | ${heldOutEnlarged.rows} | ${heldOutEnlarged.accuracy} | ${heldOutEnlarged.ece} |

\`npm run models:eval -- digit-image\` measures it again.

## Limits

- Those of \`digits\`: one digit, and whatever else it is shown it calls a digit, too.
- The digit has to stand in the middle and fill about two thirds of the height, as in MNIST. It looks for none.
- Dark on light. Light on dark comes out as noise.

## Determinism

Profile \`exact\`: PNG and lossless WebP decode to the same pixels everywhere, JPEG is refused, grey levels are whole
numbers, resizing is double-precision arithmetic of our own, and the network computes in integers.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: images with the expected label, confidence and output bytes.

To make all of it again: \`node --import tsx scripts/models/digit-image/publish.ts\`.
`;
}
