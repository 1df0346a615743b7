import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encodeInput, parseWad } from "@sibyl/sdk";
import type { Hex } from "viem";
import { expect, test } from "vitest";
import { CoprocessorError } from "../../../coprocessor/core/errors.ts";
import type { ResolvedModel } from "../../../coprocessor/core/model.ts";
import type { Provider } from "../../../coprocessor/core/runtime.ts";
import { createOnnxEngine } from "../../../coprocessor/inference/onnxEngine.ts";
import type { InferenceEngine } from "../../../coprocessor/inference/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { waitUntil } from "../waitUntil.ts";
import { committedModel, exactGoldens } from "./exactModel.ts";
import { fixture, numbersToNumbers, tensorToTensor } from "./fixtureModel.ts";
import { inferencePids } from "./inferencePids.ts";
import { malformed, randomFrom } from "./malformedInputs.ts";
import { spamText } from "./spamText.ts";

const INPUTS = 1_000;
const LIMITS = { timeoutMs: 15_000 };
const LEAK = 1.1;
/** A watchdog wakes now and then, for less than a tick. */
const IDLE_MS = 300;
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 32);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const golden = (name: string): [ResolvedModel, Hex] => [
  committedModel(name),
  exactGoldens(name).cases[0]?.input as Hex,
];
/** Of every input codec, each with an input that it can answer. */
const MODELS: readonly [ResolvedModel, Hex][] = [
  [spamText(), encodeInput("text", "A free mortgage quote 👍")],
  golden("iris"),
  golden("digits"),
  [
    fixture("logits", tensorToTensor),
    encodeInput("tensor", { dtype: 1, shape: [1, 3], data: `0x${"00".repeat(12)}` }),
  ],
  [fixture("logits", numbersToNumbers), encodeInput("vector", ["1", "2", "3"].map(parseWad))],
];

const LOG = fixture("log", numbersToNumbers);
const PICK = fixture("pick", numbersToNumbers);

test.each<Provider>(["cpu", "wasm"])(
  `on %s: ${INPUTS} malformed inputs get a named error each, nothing ends and nothing leaks (FUZZ_SEED=${SEED})`,
  { timeout: 120_000 },
  async (provider) => {
    const engine = createOnnxEngine({
      threads: 1,
      log: collectedLog(),
      providers: { provider, ofModel: {} },
    });
    const random = randomFrom(SEED);
    try {
      const answers = async () => {
        const outputs: Hex[] = [];
        for (const [model, good] of MODELS) outputs.push((await engine.run(model, good, LIMITS)).output);
        return outputs;
      };
      const before = await answers();
      const [pid] = inferencePids();
      const attack = async (count: number) => {
        for (let at = 0; at < count; at += 1) {
          const [model, good] = MODELS[at % MODELS.length] as [ResolvedModel, Hex];
          const { fault, input } = malformed(model, good, random);
          if (at % 10 === 0) await expectGraphToRefuse(engine, -random());
          const error = await engine.run(model, input, LIMITS).then(
            () => null,
            (thrown: unknown) => thrown,
          );
          const about = `${model.manifest.name}, ${fault}: ${input.slice(0, 200)}`;
          expect(error, about).toBeInstanceOf(CoprocessorError);
          expect(error, about).toMatchObject({ code: "inference/bad-input", retry: "never" });
          expect((error as Error).message.length, about).toBeGreaterThan(10);
        }
      };
      await attack(INPUTS / 5);
      // WebAssembly is compiled better in the background for a while.
      await waitUntil("the process has nothing left to do", idle(pid), 30_000);
      const warm = [residentBytes(pid), ownBytes()];
      await attack((INPUTS * 4) / 5);
      const after = [residentBytes(pid), ownBytes()];
      for (const [index, bytes] of after.entries()) {
        expect(bytes / (warm[index] as number)).toBeLessThan(LEAK);
      }
      expect(await answers()).toEqual(before);
      expect(inferencePids()).toEqual([pid]);
    } finally {
      await engine.close();
    }
  },
);

/** Inputs that are well formed and get to the graph: its answer is no number, or it fails. */
async function expectGraphToRefuse(engine: InferenceEngine, negative: number): Promise<void> {
  const pair = (first: string) => encodeInput("vector", [first, "1"].map(parseWad));
  await expect(engine.run(LOG, pair(negative.toFixed(18)), LIMITS)).rejects.toMatchObject({
    code: "inference/bad-output",
  });
  await expect(engine.run(PICK, pair("99"), LIMITS)).rejects.toMatchObject({
    code: "inference/model-failed",
  });
}

/** Whether a process has used no processor for a while. */
function idle(pid: number | undefined): () => boolean {
  let [ticks, sinceMs] = ["", performance.now()];
  return () => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const now = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14).join();
    if (now !== ticks) [ticks, sinceMs] = [now, performance.now()];
    return performance.now() - sinceMs > IDLE_MS;
  };
}

/** What a process has in memory. */
function residentBytes(pid: number | undefined): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes) * 1024;
}

function ownBytes(): number {
  collectGarbage();
  return process.memoryUsage.rss();
}
