import * as ort from "onnxruntime-node";

export interface SpamSession {
  /** Probabilities of ham and spam per text, as the graph's float32 gives them. */
  run(texts: readonly string[], batch: number): Promise<(readonly [ham: number, spam: number])[]>;
  release(): Promise<void>;
}

/** The model in ONNX Runtime, called directly: what the engine has to agree with. */
export async function openSession(
  path: string,
  options: { threads: number; level: "disabled" | "basic" | "extended" | "all" },
): Promise<SpamSession> {
  const session = await ort.InferenceSession.create(path, {
    executionProviders: ["cpu"],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: options.level,
  });
  return {
    async run(texts, batch) {
      const scores: [number, number][] = [];
      for (let at = 0; at < texts.length; at += batch) {
        const part = texts.slice(at, at + batch);
        const { probabilities } = await session.run({ text: new ort.Tensor("string", part, [part.length]) });
        const data = probabilities?.data as Float32Array;
        for (let row = 0; row < part.length; row++) {
          scores.push([data[row * 2] as number, data[row * 2 + 1] as number]);
        }
      }
      return scores;
    },
    release: () => session.release(),
  };
}
