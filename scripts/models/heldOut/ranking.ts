/** The chance that a positive scores above a negative; ties count half (Mann-Whitney). */
export function areaUnderCurve(scores: readonly number[], isPositive: readonly boolean[]): number {
  const order = scores.map((_, at) => at).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let ranks = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end] as number] === scores[order[start] as number]) end += 1;
    const shared = (start + 1 + end) / 2;
    for (let at = start; at < end; at += 1) if (isPositive[order[at] as number]) ranks += shared;
    start = end;
  }
  const positives = isPositive.filter(Boolean).length;
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (scores.length - positives));
}
