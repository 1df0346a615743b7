/** Measured figures by their names in the manifest's `metrics`. */
export type Figures = Readonly<Record<string, number>>;

/** Figures of which less is better. */
const LESS_IS_BETTER = /error|ece|brier|perplexity|bits|falsePositive/i;
/** Counts, which say what was measured on. */
const COUNT = /^(rows|messages|spam|lines|images|sentences|pairs|chapters|paragraphs|tokens|texts)$/;

/**
 * What is worse now than the manifest says, beyond a tolerance: 0 for `exact` models, whose every answer is the same on
 * every machine.
 *
 * @returns one line per figure; none when all hold.
 */
export function worseThan(
  stated: unknown,
  measured: Readonly<Record<string, Figures>>,
  tolerance: number,
): string[] {
  const complaints: string[] = [];
  for (const [section, figures] of Object.entries(measured)) {
    const known =
      (stated as Record<string, Record<string, unknown> | undefined> | undefined)?.[section] ?? {};
    for (const [name, value] of Object.entries(figures)) {
      const before = known[name];
      if (typeof before !== "number") {
        complaints.push(`${section}.${name} is ${value}, the manifest does not state it`);
        continue;
      }
      const loss = COUNT.test(name)
        ? Math.abs(value - before)
        : LESS_IS_BETTER.test(name)
          ? value - before
          : before - value;
      // Also for one that is no number: nothing is above it.
      if (!(loss <= (COUNT.test(name) ? 0 : tolerance))) {
        complaints.push(`${section}.${name} is ${value}, the manifest says ${before}`);
      }
    }
  }
  return complaints;
}
