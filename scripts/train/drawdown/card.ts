import type { CardFacts } from "../integer/publish.ts";

/** What training measured, on days that it had not seen. */
export interface TrainedFacts {
  training: {
    rows: number;
    from: string;
    to: string;
    drops: number;
    heldOutFrom: string;
    heldOutTo: string;
    heldOutDrops: number;
  };
  measured: { auc: number; brier: number; brierOfBaseRate: number; aucOfVolatilityAlone: number };
  /** Held-out days in five parts of equal size, by rising risk. */
  fifths: { meanRisk: number; drops: number }[];
}

const percent = (fraction: number) => `${(100 * fraction).toFixed(1)} %`;

/** The model's README, so that no figure in it can be out of date. */
export function modelCard(
  { manifest, modelId, heldOut }: CardFacts,
  { training, measured, fifths }: TrainedFacts,
): string {
  const [file] = manifest.files;
  return `<!-- Written by scripts/train/drawdown.sh; change scripts/train/drawdown/card.ts instead. -->
# drawdown

${manifest.description} A network of integers: every
operator gets the same bytes.

| | |
|---|---|
| modelId | \`${modelId}\` |
| file | \`${file?.path}\`, ${file?.bytes.toLocaleString("en-US")} bytes |
| sha256 | \`${file?.sha256}\` |
| input | \`abi.encode(int256[])\`: five fractions, WAD, below |
| output | \`abi.encode(uint32 label, uint256 confidence, uint256[] scores)\`; \`scores[1]\` is the probability of a drop, WAD |
| licence | ${manifest.license} |
| runs in | ONNX Runtime, CPU; standard operators only |

The five numbers, all of daily closes: the mean size of a day's move over the last 5, 20 and 60 days; the return over 20
days; how far the close is below the highest of the last 60 days.

## Data

Daily closes of the S&P 500 from the npm package \`vega-datasets@3.2.1\` (BSD-3-Clause; it does not say under what terms
the index's values stand, and the model holds none of them). Trained on ${training.rows.toLocaleString("en-US")} days, ${training.from} to
${training.to}, of which ${training.drops} (${percent(training.drops / training.rows)}) came before a drop. Held out: all later days, ${training.heldOutFrom} to
${training.heldOutTo}, ${heldOut.rows.toLocaleString("en-US")} of them, ${training.heldOutDrops} before a drop. A model of prices must not have seen the future, so the split is by
time, with ten days left out in between.

## How good it is

Measured on the held-out days by running \`model.onnx\` in ONNX Runtime. A fifth of them each, by rising risk:

| mean risk said | days before a drop |
|---|---|
${fifths.map(({ meanRisk, drops }) => `| ${percent(meanRisk)} | ${percent(drops)} |`).join("\n")}

| | |
|---|---|
| AUC: a day before a drop gets a higher risk than another day | ${measured.auc.toFixed(3)} |
| AUC of the 20-day mean move alone, no model | ${measured.aucOfVolatilityAlone.toFixed(3)} |
| Brier score, lower is better | ${measured.brier.toFixed(4)} |
| Brier score of always saying the training years' share of drops | ${measured.brierOfBaseRate.toFixed(4)} |
| expected calibration error over ten bins | ${heldOut.ece.toFixed(3)} |

So it is a probability to reckon with, and it is better than a constant; at ranking days it does not beat the plainest
measure of volatility. Nobody should expect more of five numbers.

## Limits

- It is a demonstration on one share index of one country. Coins move several times as much: most of their days lie
  beyond the ends of its inputs (mean moves above 4, 3 and 3 percent count as those; likewise returns outside -20 to 15
  percent and distances above 30).
- It knows that a restless market stays restless, and nothing of news. A crash out of a calm sky is not in it.
- Neighbouring days share most of their past, so the figures are worth fewer days than they count.
- The label alone says little: drops are rare, so it is \`calm\` on almost every day. Use the probability.

## Determinism

Profile \`exact\`. There is no float anywhere:

- the task turns each WAD into a whole number of basis points in BigInt, to the nearest, halves away from zero;
- the graph brings them to u8 with int32 operators, then 5-16-2: u8 activations, 7-bit weights (-64 to 63, so that no
  processor's pairwise sums saturate), int32 sums that cannot overflow, and divisions by powers of two;
- label and scores: the distance of each logit from the best one picks an entry of a table of 2^30 e^-x, and each
  entry's share of their sum, rounded down to 1e-9, is the score as WAD in int64.

A test runs 1,056 inputs over 1, 2 and 4 threads, all optimisation levels and batches of 1 to 32 and compares bytes.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: inputs with the expected label, confidence and output bytes, and the hash of a sweep's outputs.

To make all of it again, byte for byte on a machine of the same kind: \`scripts/train/drawdown.sh\` (see
\`scripts/train/README.md\`).
`;
}
