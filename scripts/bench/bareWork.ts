import type { ModelManifest } from "@sibyl/sdk";
import type * as Native from "onnxruntime-node";
import type { Hex } from "viem";
import { byHand, type HandTensor, type HandTensors, type HandWritten } from "./byHand.ts";
import { type Generate, generateByHand, type Values } from "./generateByHand.ts";

/** One model's work without the engine. */
export interface BareWork {
  /** From the bytes of a run's requests to those of their answers. */
  answer(requests: readonly Hex[]): Promise<Hex[]>;
  /** Makes everything that the graph is fed; what comes back runs the graph alone, as often as for one `answer`. */
  graphRun(inputs: readonly Hex[], batch: number): Promise<(at: number) => Promise<unknown>>;
}

/** @param folder The model's. */
export function bareWork(
  folder: string,
  manifest: ModelManifest,
  session: Native.InferenceSession,
  ort: typeof Native,
): BareWork {
  return manifest.task.type === "text-generation"
    ? oneByOne(session, generateByHand(folder, manifest, session, ort.Tensor))
    : together(session, byHand(folder, manifest), manifest, ort);
}

function oneByOne(session: Native.InferenceSession, generate: Generate): BareWork {
  return {
    async answer(requests) {
      const outputs: Hex[] = [];
      for (const input of requests) outputs.push(await generate(input, (feeds) => session.run(feeds)));
      return outputs;
    },
    async graphRun(inputs, batch) {
      const fed: Values[][] = [];
      for (const input of inputs) {
        const tokens: Values[] = [];
        await generate(input, (feeds) => {
          tokens.push(feeds);
          return session.run(feeds);
        });
        fed.push(tokens);
      }
      return async (at) => {
        for (let row = 0; row < batch; row += 1)
          for (const feeds of fed[(at * batch + row) % fed.length] as Values[]) await session.run(feeds);
      };
    },
  };
}

function together(
  session: Native.InferenceSession,
  hand: HandWritten,
  { task }: ModelManifest,
  ort: typeof Native,
): BareWork {
  const fetches = [String(task.output ?? session.outputNames[0])];
  return {
    // Those with one shape run together.
    async answer(requests) {
      const alone = await Promise.all(requests.map((input) => hand.tensors(input)));
      const rows = filledUp(alone, hand.padding);
      const groups = new Map<string, number[]>();
      for (const [place, row] of rows.entries()) {
        const shapes = shapesOf(row);
        const group = groups.get(shapes);
        if (group) group.push(place);
        else groups.set(shapes, [place]);
      }
      const outputs: Hex[] = [];
      for (const places of groups.values()) {
        const own = places.map((place) => rows[place] as HandTensors);
        const results = await session.run(tensorsOf(own, ort), fetches);
        for (const [row, place] of places.entries())
          outputs[place] = hand.output(rowOf(results, row, places.length));
      }
      return outputs;
    },
    // Neighbours where they have one shape; else one row repeated, so that nothing is filled up.
    async graphRun(inputs, batch) {
      const rows = await Promise.all(inputs.map((input) => hand.tensors(input)));
      const areAlike = new Set(rows.map(shapesOf)).size === 1;
      const batches = rows.map((own, start) =>
        tensorsOf(
          Array.from({ length: batch }, (_, at) =>
            areAlike ? (rows[(start + at) % rows.length] as HandTensors) : own,
          ),
          ort,
        ),
      );
      return (at) => session.run(batches[at % batches.length] as Values, fetches);
    },
  };
}

/** Rows of tokens as long as the longest of their bucket, where the model allows it. */
function filledUp(rows: HandTensors[], padding: HandWritten["padding"]): HandTensors[] {
  if (padding === null || rows.length === 1) return rows;
  const tokensOf = ({ input_ids }: HandTensors) => input_ids?.dims[1] ?? 0;
  const bucketOf = (row: HandTensors) => Math.ceil(tokensOf(row) / padding.bucketTokens);
  const longest = new Map<number, number>();
  for (const row of rows) {
    const bucket = bucketOf(row);
    longest.set(bucket, Math.max(tokensOf(row), longest.get(bucket) ?? 0));
  }
  return rows.map((row) => {
    const width = longest.get(bucketOf(row)) as number;
    return Object.fromEntries(
      Object.entries(row).map(([name, { type, data }]) => {
        const filled = new BigInt64Array(width).fill(name === "input_ids" ? BigInt(padding.token) : 0n);
        filled.set(data as BigInt64Array);
        return [name, { type, dims: [1, width], data: filled }];
      }),
    );
  });
}

function tensorsOf(rows: readonly HandTensors[], ort: typeof Native): Values {
  const [first] = rows as [HandTensors];
  return Object.fromEntries(
    Object.entries(first).map(([name, { type, dims, data }]) => {
      const shape = [rows.length, ...dims.slice(1)];
      const parts = rows.map((row) => (row[name] as HandTensor).data);
      if (Array.isArray(data)) return [name, new ort.Tensor("string", (parts as string[][]).flat(), shape)];
      const all = new (data.constructor as Float32ArrayConstructor)(data.length * rows.length);
      for (const [row, part] of parts.entries()) all.set(part as Float32Array, row * data.length);
      return [name, new ort.Tensor(type as "float32", all, shape)];
    }),
  );
}

function rowOf(results: Values, row: number, count: number): HandTensors {
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => {
      const { type, dims, data } = value as Native.Tensor;
      const width = data.length / count;
      const own = (data as Float32Array).subarray(row * width, (row + 1) * width);
      return [name, { type, dims: [1, ...dims.slice(1)], data: own }];
    }),
  );
}

function shapesOf(row: HandTensors): string {
  return Object.values(row)
    .map(({ dims }) => dims.join("x"))
    .join();
}
