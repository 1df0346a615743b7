import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The part of V8's profile format that is read here. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[];
  /** Microseconds of the monotonic clock. */
  startTime: number;
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

/** What a folder of the coprocessor does for a request. */
const STAGE_OF_FOLDER: Readonly<Record<string, string>> = {
  chain: "follow the chain",
  rpc: "follow the chain",
  core: "decide",
  pipeline: "decide",
  compose: "decide",
  queue: "queue",
  inference: "hand over to the model",
  models: "hand over to the model",
  store: "store",
  peers: "gossip",
  keys: "sign",
  submit: "settle",
  observe: "observe",
};

/** Libraries that work on their own account, in answer to a socket or a timer. */
const STAGE_OF_LIBRARY: readonly [RegExp, string][] = [
  [
    /node_modules\/(@libp2p|@chainsafe|@multiformats|libp2p|it-|uint8|protons|multiformats|abortable|weald)/,
    "gossip",
  ],
  [/node_modules\/(@electric-sql|drizzle-orm|postgres|pg)/, "store"],
  [/node_modules\/(bullmq|ioredis|redis-parser|msgpackr|cron-parser)/, "queue"],
  [/node_modules\/(viem|ox|abitype|@noble|undici)/, "follow the chain"],
  [/node_modules\/(pino|sonic-boom|thread-stream)/, "observe"],
];

/** What costs so much that it shall be seen, whoever calls it. */
const CURVES = /node_modules\/@noble\/curves/;

/**
 * Seconds that profiled processes spent in each stage, in a span of time.
 *
 * A moment belongs to the innermost frame of a folder of ours, so what a library does counts for whoever called it; else to
 * the library's own stage; else to the runtime (garbage collection, sockets).
 *
 * @param folder Of `.cpuprofile` files.
 * @param fromUs Microseconds of the monotonic clock, `toUs` as well.
 */
export function stageSeconds(folder: string, fromUs: number, toUs: number): Record<string, number> {
  const seconds: Record<string, number> = {};
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".cpuprofile"))) {
    const profile = JSON.parse(readFileSync(join(folder, name), "utf8")) as CpuProfile;
    const stages = stagesOf(profile);
    let atUs = profile.startTime;
    profile.samples.forEach((id, index) => {
      const deltaUs = profile.timeDeltas[index] ?? 0;
      atUs += deltaUs;
      const stage = stages.get(id);
      if (stage === undefined || stage === null || atUs < fromUs || atUs > toUs) return;
      seconds[stage] = (seconds[stage] ?? 0) + deltaUs / 1e6;
    });
  }
  return Object.fromEntries(Object.entries(seconds).sort(([, a], [, b]) => b - a));
}

/** The monotonic clock that profiles are in. */
export const monotonicUs = (): number => Number(process.hrtime.bigint() / 1_000n);

/** Of each node of the call tree; null while nothing runs. */
function stagesOf({ nodes }: CpuProfile): Map<number, string | null> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stages = new Map<number, string | null>();
  const visit = (id: number, ofCaller: string | null): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const { functionName, url } = node.callFrame;
    const own = /\/coprocessor\/([a-z]+)\//.exec(url)?.[1];
    const library = STAGE_OF_LIBRARY.find(([pattern]) => pattern.test(url))?.[1];
    const stage =
      (own && STAGE_OF_FOLDER[own]) ||
      (ofCaller === "decide" && CURVES.test(url) ? "verify signatures" : ofCaller) ||
      library ||
      null;
    stages.set(id, functionName === "(idle)" ? null : (stage ?? "the runtime"));
    for (const child of node.children ?? []) visit(child, stage);
  };
  const children = new Set(nodes.flatMap((node) => node.children ?? []));
  for (const { id } of nodes) if (!children.has(id)) visit(id, null);
  return stages;
}
