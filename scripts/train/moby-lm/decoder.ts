import * as ort from "onnxruntime-web";

/** Tokens that the model can look back on; the same as in `net.py`. */
export const CONTEXT_TOKENS = 256;
const [LAYERS, HEADS, HEAD] = [4, 5, 32];

ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

export interface Decoder {
  /** Mean of -ln p of each token after the first, in nats. */
  lossOf(ids: readonly number[]): Promise<number>;
  /** The most likely tokens that follow, until `end`, `isOver` or `most`. */
  goOn(
    ids: readonly number[],
    most: number,
    end: number,
    isOver: (fresh: readonly number[]) => boolean,
  ): Promise<number[]>;
  close(): Promise<void>;
}

/** The graph run over whole texts, its cache always empty. */
export async function openDecoder(bytes: Uint8Array): Promise<Decoder> {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const int64 = (values: readonly number[]) =>
    new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  const empty = Object.fromEntries(
    Array.from({ length: LAYERS }, (_, layer) => ["key", "value"].map((part) => `${layer}.${part}`))
      .flat()
      .map((name) => [
        `past_key_values.${name}`,
        new ort.Tensor("float32", new Float32Array(0), [1, HEADS, 0, HEAD]),
      ]),
  );
  /** One row of scores per token. */
  const rows = async (ids: readonly number[]): Promise<Float32Array[]> => {
    const { logits } = await session.run(
      {
        input_ids: int64(ids),
        attention_mask: int64(ids.map(() => 1)),
        position_ids: int64(ids.map((_, at) => at)),
        ...empty,
      },
      ["logits"],
    );
    const { data, dims } = logits as ort.Tensor;
    const width = dims[2] as number;
    return ids.map((_, at) => (data as Float32Array).subarray(at * width, (at + 1) * width));
  };
  return {
    async lossOf(ids) {
      const scores = await rows(ids.slice(0, -1));
      const losses = scores.map((row, at) => {
        const highest = Math.max(...row);
        const sum = row.reduce((total, score) => total + Math.exp(score - highest), 0);
        return Math.log(sum) + highest - (row[ids[at + 1] as number] as number);
      });
      return losses.reduce((total, loss) => total + loss, 0) / losses.length;
    },
    async goOn(ids, most, end, isOver) {
      const fresh: number[] = [];
      while (fresh.length < most && !isOver(fresh)) {
        const last = (await rows([...ids, ...fresh])).at(-1) as Float32Array;
        const token = last.indexOf(Math.max(...last));
        if (token === end) break;
        fresh.push(token);
      }
      return fresh;
    },
    close: () => session.release(),
  };
}
