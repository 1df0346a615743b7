import { join } from "node:path";
import { type RuntimeFingerprint, runtimeText } from "@sibyl/coprocessor";
import { agree } from "@sibyl/sdk";
import type { Hex } from "viem";
import { until } from "../network/until.ts";
import type { Arena } from "./arena.ts";
import type { ModelName } from "./attack.ts";
import { disagreementsAbout, logEnds } from "./disagreements.ts";
import { commandWithRuntime, type RuntimeVersion } from "./otherRuntime.ts";

const RUNTIMES = join(import.meta.dirname, "..", "..", ".cache", "runtimes");

/** How one operator runs models. */
interface Machine {
  env: Record<string, string>;
  /** Of ONNX Runtime, when it is not ours. */
  version?: RuntimeVersion;
}

/** Ways in which honest operators run the same models; each gets other last digits out of real numbers. */
export const MACHINES: readonly Machine[] = [
  { env: { INFERENCE_INTRA_THREADS: "1", INFERENCE_OPTIMISATION: "all" } },
  { env: { INFERENCE_INTRA_THREADS: "2", INFERENCE_OPTIMISATION: "all" }, version: "1.24.3" },
  { env: { INFERENCE_INTRA_THREADS: "1", INFERENCE_OPTIMISATION: "disabled" } },
  { env: { INFERENCE_INTRA_THREADS: "2", INFERENCE_OPTIMISATION: "basic" }, version: "1.30.0" },
  { env: { INFERENCE_PROVIDER: "wasm" } },
];

/** The arguments for Node that start each machine's operator; undefined where it is ours as it is. */
export async function machineCommands(say: (text: string) => void): Promise<(string[] | undefined)[]> {
  const commands: (string[] | undefined)[] = [];
  for (const { version } of MACHINES) {
    if (version !== undefined) say(`fetching onnxruntime-node ${version}`);
    commands.push(version === undefined ? undefined : await commandWithRuntime(version, RUNTIMES));
  }
  return commands;
}

export interface UnequalFigures {
  /** What each operator's receipts say that it computed with. */
  machines: string[];
  requests: number;
  settled: number;
  wrongSettled: number;
  disagreements: number;
  /** Different outputs that operators gave for one input, at most. */
  differentOutputs: number;
}

const MODELS: readonly ModelName[] = ["spam-text", "iris"];
const ANSWER_TIMEOUT_MS = 240_000;
/** As many as are answered before the deadline of the first one. */
const AT_ONCE = 50;
const ALL_FIVE = { committeeSize: 5, quorum: 5, challengeWindow: 0 };

/** Asks operators on unequal machines, all of whom must agree on every answer. */
export async function measureUnequal(
  arena: Arena,
  requests: number,
  onProgress: (done: number) => void,
): Promise<UnequalFigures> {
  const logs = logEnds(arena);
  const figures = {
    machines: [] as string[],
    requests,
    settled: 0,
    wrongSettled: 0,
    disagreements: 0,
    differentOutputs: 0,
  };
  const ids = new Set<string>();
  for (let done = 0; done < requests; ) {
    const name = MODELS[Math.floor(done / AT_ONCE) % MODELS.length] as ModelName;
    const { output, profile } = arena.models[name].manifest;
    const asked = await arena.ask(name, ALL_FIVE, Math.min(AT_ONCE, requests - done), () => {});
    const settled = await arena.answers(asked);
    for (const { requestId, reference } of asked) {
      ids.add(requestId);
      const answer = settled.get(requestId);
      if (answer === undefined) continue;
      figures.settled += 1;
      if (!agree(output.codec, profile, reference, answer.output).agrees) figures.wrongSettled += 1;
    }
    // Few inputs tell the machines apart, so every operator's own answer to all of them is looked at.
    for (const requestId of settled.keys()) {
      const outputs = await outputsOf(arena, requestId);
      figures.differentOutputs = Math.max(figures.differentOutputs, new Set(outputs).size);
    }
    const [any] = settled.keys();
    if (any !== undefined) figures.machines = await runtimesOf(arena, any);
    done += asked.length;
    onProgress(done);
  }
  return { ...figures, disagreements: disagreementsAbout(arena, logs, ids) };
}

/** What each operator computed for itself. */
const outputsOf = ({ network }: Arena, requestId: Hex): Promise<string[]> =>
  Promise.all(
    network.operators.map((operator) =>
      until(
        `${operator.name} to say what it computed`,
        async () => (await operator.explain(requestId))?.output,
        {
          timeoutMs: ANSWER_TIMEOUT_MS,
        },
      ),
    ),
  );

/** What each operator ran a request with, in one line, by its receipt. */
const runtimesOf = ({ network }: Arena, requestId: Hex): Promise<string[]> =>
  Promise.all(
    network.operators.map(async (operator) => {
      const { runtime } = await until(
        `${operator.name}'s receipt`,
        async () => {
          const response = await fetch(`${operator.process?.statusUrl}/receipts/${requestId}`);
          return response.ok ? ((await response.json()) as { runtime: RuntimeFingerprint }) : null;
        },
        { timeoutMs: ANSWER_TIMEOUT_MS },
      );
      return runtimeText(runtime);
    }),
  );

export function missedUnequalBounds(figures: UnequalFigures): string[] {
  const missed: string[] = [];
  if (figures.settled < figures.requests) missed.push(`${figures.settled} of ${figures.requests} settled`);
  if (figures.wrongSettled > 0) missed.push(`${figures.wrongSettled} settled outside the profile`);
  if (figures.disagreements > 0) missed.push(`${figures.disagreements} disagreements`);
  for (const { version } of MACHINES) {
    if (version !== undefined && !figures.machines.some((text) => text.includes(`@${version} `)))
      missed.push(`no operator ran ONNX Runtime ${version}`);
  }
  // Otherwise the machines were not unequal, and nothing was shown.
  if (figures.differentOutputs < 2) missed.push("all operators gave the same bytes for every input");
  return missed;
}
