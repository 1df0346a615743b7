import { type Arena, ROUND_MS } from "./arena.ts";
import { type Attack, UNANIMOUS } from "./attack.ts";
import { ATTACKS } from "./attacks/all.ts";
import { mulberry32 } from "./random.ts";
import { type Bounds, missedBounds, type Row } from "./row.ts";
import { runAttack } from "./runAttack.ts";

/** Memory that a node may grow by; the garbage collector's ways alone are worth some dozens of MiB. */
const BOUNDS: Bounds = { addedLatencyMs: ROUND_MS, rssGrowthMb: 256 };
const WARM_UP = 3;

/** Three operators and nobody else, all of whom must agree. */
const honestRun = (model: Attack["model"]): Attack => ({
  name: `honest-${model}`,
  tries: "nothing: what the others are compared with",
  model,
  policy: UNANIMOUS,
  seats: 0,
  play: () => ({}),
});

export interface AttackAllOptions {
  seed: number;
  requests: number;
  /** Names; all when empty. */
  attacks: readonly string[];
  say(text: string): void;
}

/** Runs an honest baseline for each model, then the attacks one after another, on one network. */
export async function attackAll(
  arena: Arena,
  { seed, requests, attacks, say }: AttackAllOptions,
): Promise<{ rows: Row[]; missed: string[] }> {
  const chosen = ATTACKS.filter(({ name }) => attacks.length === 0 || attacks.includes(name));
  const rows: Row[] = [];
  const missed: string[] = [];
  let place = arena.network.operators.length;
  const play = (attack: Attack, count: number, baselineMs: number | null) =>
    runAttack(attack, {
      arena,
      requests: count,
      random: mulberry32(seed + rows.length),
      nextPlace: () => place++,
      baselineMs,
      onProblem: (problem) => say(`  ${problem}`),
    });
  const measure = async (attack: Attack, baselineMs: number | null): Promise<Row> => {
    const startedAt = performance.now();
    const row = await play(attack, requests, baselineMs);
    rows.push(row);
    const addedLatencyMs = BOUNDS.addedLatencyMs + (attack.outageMs ?? 0);
    missed.push(...missedBounds(row, { ...BOUNDS, addedLatencyMs }));
    say(describe(row, (performance.now() - startedAt) / 1_000));
    return row;
  };

  const baselines = new Map<Attack["model"], number | null>();
  for (const model of new Set(chosen.map((attack) => attack.model))) {
    // So that nothing is measured with a model that is still to be fetched.
    await play(honestRun(model), WARM_UP, null);
    baselines.set(model, (await measure(honestRun(model), null)).latencyMsP50);
  }
  for (const attack of chosen) await measure(attack, baselines.get(attack.model) ?? null);
  return { rows, missed };
}

function describe(row: Row, seconds: number): string {
  const added = row.addedLatencyMsP50 === null ? "" : ` (${row.addedLatencyMsP50} ms more)`;
  return [
    row.attack.padEnd(30),
    `settled ${row.settled}/${row.requests}`,
    `wrong ${row.wrongSettled}`,
    `honest slashed ${row.honestSlashed}`,
    `profit ${row.cheaterProfitWei} wei`,
    `p50 ${row.latencyMsP50} ms${added}`,
    `rss +${row.rssGrowthMb} MiB`,
    `disagreements ${row.disagreements}`,
    `${seconds.toFixed(1)} s`,
  ].join("  ");
}
