import { readdirSync, readFileSync } from "node:fs";

/** Seconds of processor time by what the processes are for. */
export interface CpuSeconds {
  /** anvil */
  chain: number;
  /** `sibyl node`: everything but the models */
  nodes: number;
  /** the processes that run the models */
  inference: number;
  /** redis-server */
  queue: number;
}

/** Linux counts processor time in hundredths of a second for every program. */
const TICKS_PER_SECOND = 100;

interface Process {
  pid: number;
  parent: number;
  ticks: number;
  command: string;
}

/**
 * What this process's descendants have used so far.
 *
 * @throws Error where there is no /proc.
 */
export function cpuSeconds(): CpuSeconds {
  const all = processes();
  const byPid = new Map(all.map((one) => [one.pid, one]));
  const seconds: CpuSeconds = { chain: 0, nodes: 0, inference: 0, queue: 0 };
  for (const one of all) {
    const kind = kindOf(one, byPid);
    if (kind !== null) seconds[kind] += one.ticks / TICKS_PER_SECOND;
  }
  return seconds;
}

export function cpuSince(before: CpuSeconds): CpuSeconds {
  const now = cpuSeconds();
  return Object.fromEntries(
    Object.entries(now).map(([kind, seconds]) => [kind, seconds - before[kind as keyof CpuSeconds]]),
  ) as unknown as CpuSeconds;
}

function kindOf(one: Process, byPid: ReadonlyMap<number, Process>): keyof CpuSeconds | null {
  if (!descends(one, byPid)) return null;
  if (one.command.includes("anvil")) return "chain";
  if (one.command.includes("redis-server")) return "queue";
  if (one.command.includes("inferenceProcess")) return "inference";
  return one.command.includes("sibyl.js") ? "nodes" : null;
}

function descends({ parent }: Process, byPid: ReadonlyMap<number, Process>): boolean {
  if (parent === process.pid) return true;
  const next = byPid.get(parent);
  return next !== undefined && descends(next, byPid);
}

function processes(): Process[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // The second field is a name in parentheses that may hold anything.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const [, parent, , , , , , , , , , user, system] = fields.map(Number);
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
      return [{ pid: Number(name), parent: parent as number, ticks: (user ?? 0) + (system ?? 0), command }];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
}
