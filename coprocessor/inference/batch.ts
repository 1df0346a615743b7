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
  for (const name in other) if (one[name] === undefined) return false;
  for (const name in one) {
    const [a, b] = [one[name] as RawTensor, other[name]];
    if (b === undefined || a.type !== b.type || a.dims.length !== b.dims.length || a.dims[0] !== 1)
      return false;
    for (let axis = 0; axis < a.dims.length; axis += 1) if (a.dims[axis] !== b.dims[axis]) return false;
  }
  return true;
}

/** Several requests' tensors as one, a row each. */
export function stack(feeds: readonly Feeds[]): Record<string, RawTensor> {
  const [first] = feeds as [Feeds];
  const stacked: Record<string, RawTensor> = {};
  for (const name in first) {
    const { type, dims, data } = first[name] as RawTensor;
    stacked[name] = { type, dims: [feeds.length, ...dims.slice(1)], data: joined(data, feeds, name) };
  }
  return stacked;
}

/** Each request's part of the results, as views; null when the graph did not give one row per request. */
export function split(results: Feeds, count: number): Record<string, RawTensor>[] | null {
  const rows = Array.from({ length: count }, (): Record<string, RawTensor> => ({}));
  for (const name in results) {
    const { type, dims, data } = results[name] as RawTensor;
    if (dims[0] !== count || data.length % count !== 0) return null;
    const width = data.length / count;
    const rowDims = [1, ...dims.slice(1)];
    let at = 0;
    for (const row of rows) {
      row[name] = { type, dims: rowDims, data: part(data, at, at + width) };
      at += width;
    }
  }
  return rows;
}

const part = (data: RawTensor["data"], start: number, end: number): RawTensor["data"] =>
  Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end);

function joined(first: RawTensor["data"], feeds: readonly Feeds[], name: string): RawTensor["data"] {
  if (Array.isArray(first)) return feeds.flatMap((each) => (each[name] as RawTensor).data as string[]);
  const all = new (first.constructor as new (length: number) => Numbers)(first.length * feeds.length);
  let at = 0;
  for (const each of feeds) {
    all.set((each[name] as RawTensor).data as Float32Array & BigInt64Array, at);
    at += first.length;
  }
  return all;
}
