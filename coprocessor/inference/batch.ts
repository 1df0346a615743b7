import type { GraphSignature, Numbers, RawTensor } from "./messages.ts";

type Feeds = Readonly<Record<string, RawTensor>>;

/**
 * Why requests of a graph cannot be run together, although its manifest says so; null when they can: the first
 * dimension of everything that goes in and comes out is open.
 */
export function whyNotTogether(signature: GraphSignature, fetches: readonly string[]): string | null {
  const outputs = signature.outputs.filter(({ name }) => fetches.includes(name));
  for (const { name, shape } of [...signature.inputs, ...outputs]) {
    if (typeof shape[0] === "string") continue;
    return `${name}[${shape.join(",")}] has no open first dimension`;
  }
  return null;
}

/** Whether one request's tensors can be rows beside another's: same names, types and further dimensions, one row each. */
export function areRowsAlike(one: Feeds, other: Feeds): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => {
      const [a, b] = [one[name] as RawTensor, other[name]];
      const isRow = b !== undefined && a.type === b.type && a.dims[0] === 1 && b.dims[0] === 1;
      return isRow && a.dims.length === b.dims.length && a.dims.every((side, axis) => side === b.dims[axis]);
    })
  );
}

/** Several requests' tensors as one, a row each. */
export function stack(feeds: readonly Feeds[]): Record<string, RawTensor> {
  const [first] = feeds as [Feeds];
  return Object.fromEntries(
    Object.entries(first).map(([name, { type, dims }]) => {
      const parts = feeds.map((each) => (each[name] as RawTensor).data);
      return [name, { type, dims: [feeds.length, ...dims.slice(1)], data: joined(parts) }];
    }),
  );
}

/** Each request's part of the results; null when the graph did not give one row per request. */
export function split(results: Feeds, count: number): Record<string, RawTensor>[] | null {
  const entries = Object.entries(results);
  if (entries.some(([, { dims, data }]) => dims[0] !== count || data.length % count !== 0)) return null;
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(
      entries.map(([name, { type, dims, data }]) => {
        const width = data.length / count;
        return [
          name,
          { type, dims: [1, ...dims.slice(1)], data: data.slice(row * width, (row + 1) * width) as Numbers },
        ];
      }),
    ),
  );
}

function joined(parts: readonly RawTensor["data"][]): RawTensor["data"] {
  const [first] = parts as [RawTensor["data"]];
  if (Array.isArray(first)) return (parts as string[][]).flat();
  const all = new (first.constructor as new (length: number) => Numbers)(first.length * parts.length);
  for (const [row, part] of parts.entries())
    all.set(part as Float32Array & BigInt64Array, row * first.length);
  return all;
}
