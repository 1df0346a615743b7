import { areRowsAlike, split, stack } from "./batch.ts";
import { readCtc } from "./ctc.ts";
import type { ImagePlan } from "./imageTensor.ts";
import { inferenceError } from "./inferenceError.ts";
import {
  type FileReference,
  MAX_OUTPUT_BYTES,
  type ModelEntry,
  type RawTensor,
  type RowEnding,
  type RowWork,
} from "./messages.ts";
import { linesOf, tokenizerOf } from "./modelFile.ts";
import { once } from "./once.ts";
import { failureOf, ProcessFailure, taskSide } from "./processFailure.ts";
import type { Task } from "./tasks/task.ts";
import { bucketOf, type TokenPlan, tokensOf, tokenTensors } from "./tokenRow.ts";

type Feeds = Record<string, RawTensor>;
/** Runs the graph. */
export type Run = (feeds: Feeds, task: Task) => Promise<Feeds>;

/** A model that is loaded, as far as its requests go. */
export interface RowModel {
  entry: ModelEntry;
  task: Task;
  /** How many may be run together. */
  together: number;
}

/** Rows that can be one run, by their places. */
interface Group {
  places: number[];
  feeds(places: readonly number[]): Feeds;
}

type Fail = (place: number, error: unknown) => void;

/** Most processes see no image. To import a module again costs a good part of what a small image does. */
const images = once(() => import("./imageTensor.ts"));

/** Most bytes of one request's results. What goes on chain is far less; more only costs time. */
const MAX_RESULT_BYTES = 8 * 2 ** 20;

/**
 * Answers requests: makes tensors of their bytes, runs those together that fit together, and makes bytes of what comes out.
 * A request that cannot be made a tensor fails alone; so does one that breaks a run.
 */
export async function runRows(
  model: RowModel,
  inputs: readonly Uint8Array[],
  run: Run,
): Promise<RowEnding[]> {
  const { entry, task } = model;
  const endings: RowEnding[] = [];
  const fail: Fail = (place, error) => {
    endings[place] = failureOf(error, entry);
  };
  const runGroup = async (group: Group, places: readonly number[]): Promise<void> => {
    const startMs = performance.now();
    try {
      const results = await run(group.feeds(places), task);
      const runMs = performance.now() - startMs;
      const parts = places.length === 1 ? [results] : split(results, places.length);
      if (parts === null) throw new Error("the graph gave not one row per request");
      let at = 0;
      for (const place of places) {
        try {
          const output = outputOf(model, symbols, parts[at] as Feeds);
          endings[place] = { output, runMs, batch: places.length };
        } catch (error) {
          fail(place, error);
        }
        at += 1;
      }
    } catch (error) {
      if (places.length === 1) fail(places[0] as number, error);
      // Nobody knows whose fault it was.
      else for (const place of places) await runGroup(group, [place]);
    }
  };
  const symbols = await symbolsOf(model);
  for (const group of await groupsOf(model, inputs, fail)) await runGroup(group, group.places);
  return endings;
}

async function groupsOf(
  { entry, task, together }: RowModel,
  inputs: readonly Uint8Array[],
  fail: Fail,
): Promise<Group[]> {
  const preparation = task.work?.preparation;
  const feedsOf = (input: Uint8Array) => taskSide("bad-input", () => task.feeds(input));
  if (preparation?.kind === "tokens") {
    const tokenizer = await tokenizerOf(fileOf(entry, preparation.tokenizer));
    const textOf = (input: Uint8Array) => String(feedsOf(input).text?.data[0]);
    return tokenGroups(
      preparation,
      together,
      inputs,
      (input) => tokensOf(preparation, tokenizer, textOf(input)),
      fail,
    );
  }
  const prepared: Feeds[] = [];
  const groups: Group[] = [];
  const feeds = (places: readonly number[]) =>
    places.length === 1
      ? (prepared[places[0] as number] as Feeds)
      : stack(places.map((at) => prepared[at] as Feeds));
  const tensors = preparation ? await imagesOf(preparation, inputs, feedsOf) : null;
  for (let place = 0; place < inputs.length; place += 1) {
    try {
      const own = tensors ? await tensors(place) : feedsOf(inputs[place] as Uint8Array);
      prepared[place] = own;
      const group = together > 1 ? groupFor(own, groups, prepared) : null;
      if (group) group.places.push(place);
      else groups.push({ places: [place], feeds });
    } catch (error) {
      fail(place, error);
    }
  }
  return groups;
}

/**
 * Images as tensors, asked for in turn: while one is resized here, the next is decoded by another thread. One ahead and no
 * more, because a decoded image may be large.
 */
async function imagesOf(
  plan: ImagePlan,
  inputs: readonly Uint8Array[],
  feedsOf: (input: Uint8Array) => Feeds,
): Promise<(place: number) => Promise<Feeds>> {
  const { imageTensor } = await images();
  const prepare = async (input: Uint8Array): Promise<Feeds> => ({
    [plan.input]: await imageTensor(plan, feedsOf(input).bytes?.data as Uint8Array),
  });
  const [first] = inputs;
  let ahead = first && prepare(first);
  return (place) => {
    const asked = ahead as Promise<Feeds>;
    const next = inputs[place + 1];
    ahead = next && prepare(next);
    // It is told of when it is asked for.
    ahead?.catch(() => undefined);
    return asked;
  };
}

/** The group whose rows one can stand beside. */
function groupFor(own: Feeds, groups: readonly Group[], prepared: readonly Feeds[]): Group | null {
  for (const group of groups)
    if (areRowsAlike(prepared[group.places[0] as number] as Feeds, own)) return group;
  return null;
}

function tokenGroups(
  plan: TokenPlan,
  together: number,
  inputs: readonly Uint8Array[],
  read: (input: Uint8Array) => number[],
  fail: Fail,
): Group[] {
  const rows: number[][] = [];
  const feeds = (places: readonly number[]) =>
    tokenTensors(
      plan,
      places.map((at) => rows[at] as number[]),
    );
  const groups: Group[] = [];
  const buckets = new Map<number, Group>();
  for (const [place, input] of inputs.entries()) {
    try {
      const row = read(input);
      rows[place] = row;
      const bucket = bucketOf(plan, row);
      const known = together > 1 ? buckets.get(bucket) : undefined;
      if (known) known.places.push(place);
      else {
        const group = { places: [place], feeds };
        groups.push(group);
        buckets.set(bucket, group);
      }
    } catch (error) {
      fail(place, error);
    }
  }
  return groups;
}

function outputOf({ entry, task }: RowModel, symbols: readonly string[], results: Feeds): Uint8Array {
  let bytes = 0;
  for (const name in results) bytes += bytesOf((results[name] as RawTensor).data);
  if (bytes > MAX_RESULT_BYTES) {
    throw new ProcessFailure("bad-output", `its outputs have ${bytes} bytes, ${MAX_RESULT_BYTES} allowed`);
  }
  const reading = task.work?.reading;
  const read = reading ? readingOf(reading, symbols, results) : results;
  const output = taskSide("bad-output", () => task.output(read));
  const size = output.length;
  if (size <= MAX_OUTPUT_BYTES) return output;
  throw inferenceError("bad-output", `the output has ${size} bytes, ${MAX_OUTPUT_BYTES} allowed`, {
    meta: { modelId: entry.modelId, bytes: size, limit: MAX_OUTPUT_BYTES },
  });
}

/** What the results are read with; nothing where they go back as they are. */
async function symbolsOf({ entry, task }: RowModel): Promise<readonly string[]> {
  const reading = task.work?.reading;
  if (!reading) return [];
  const lines = await linesOf(fileOf(entry, reading.dictionary));
  return reading.appendSpace ? [...lines, " "] : lines;
}

function readingOf(
  { output, minConfidence }: NonNullable<RowWork["reading"]>,
  symbols: readonly string[],
  results: Feeds,
): Feeds {
  const text = readCtc(results[output] as RawTensor, symbols, minConfidence);
  return { text: { type: "string", dims: [1], data: [text] } };
}

const bytesOf = (data: RawTensor["data"]): number =>
  Array.isArray(data) ? data.reduce((sum, text) => sum + text.length, 0) : data.byteLength;

/** @throws ProcessFailure `model-failed` when it is not there. */
export function fileOf({ files }: ModelEntry, path: string): FileReference {
  const file = files[path];
  if (file) return file;
  throw new ProcessFailure("model-failed", `${path} was not handed over`);
}
