/** One held-out message and what the model said. */
export interface Judged {
  /** 0 ham, 1 spam. */
  label: number;
  spamProbability: number;
}

/** Quality of a binary classifier with spam as the positive class; rates are 0 to 1. */
export interface Metrics {
  messages: number;
  spam: number;
  accuracy: number;
  precision: number;
  recall: number;
  falsePositiveRate: number;
  auc: number;
  /** Expected calibration error of the stated confidence, ten equal bins from 0.5 to 1. */
  ece: number;
  confusion: { hamAsHam: number; hamAsSpam: number; spamAsHam: number; spamAsSpam: number };
}

export function measure(judged: readonly Judged[]): Metrics {
  const count = (label: number, spam: boolean) =>
    judged.filter((one) => one.label === label && isSpam(one) === spam).length;
  const confusion = {
    hamAsHam: count(0, false),
    hamAsSpam: count(0, true),
    spamAsHam: count(1, false),
    spamAsSpam: count(1, true),
  };
  const { hamAsHam, hamAsSpam, spamAsHam, spamAsSpam } = confusion;
  return {
    messages: judged.length,
    spam: spamAsHam + spamAsSpam,
    accuracy: round((hamAsHam + spamAsSpam) / judged.length),
    precision: round(spamAsSpam / (spamAsSpam + hamAsSpam)),
    recall: round(spamAsSpam / (spamAsSpam + spamAsHam)),
    falsePositiveRate: round(hamAsSpam / (hamAsHam + hamAsSpam)),
    auc: round(areaUnderCurve(judged)),
    ece: round(calibrationError(judged)),
    confusion,
  };
}

const isSpam = ({ spamProbability }: Judged) => spamProbability > 0.5;
const round = (value: number) => Number(value.toFixed(4));

/** The chance that a random spam scores above a random ham; ties count half (Mann-Whitney). */
function areaUnderCurve(judged: readonly Judged[]): number {
  const sorted = [...judged].sort((a, b) => a.spamProbability - b.spamProbability);
  let spamRanks = 0;
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end < sorted.length && sorted[end]?.spamProbability === sorted[start]?.spamProbability) end++;
    const sharedRank = (start + 1 + end) / 2;
    for (let at = start; at < end; at++) if (sorted[at]?.label === 1) spamRanks += sharedRank;
    start = end;
  }
  const spam = judged.filter(({ label }) => label === 1).length;
  const ham = judged.length - spam;
  return (spamRanks - (spam * (spam + 1)) / 2) / (spam * ham);
}

function calibrationError(judged: readonly Judged[]): number {
  const bins = Array.from({ length: 10 }, () => ({ confidence: 0, right: 0, size: 0 }));
  for (const one of judged) {
    const confidence = Math.max(one.spamProbability, 1 - one.spamProbability);
    const bin = bins[Math.min(9, Math.floor((confidence - 0.5) * 20))];
    if (!bin) throw new Error(`a confidence of ${confidence} is outside 0.5 to 1`);
    bin.confidence += confidence;
    bin.right += isSpam(one) === (one.label === 1) ? 1 : 0;
    bin.size++;
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0) / judged.length;
}
