import { areRowsAlike, split, stack } from "./batch.ts";
import type { FileReference, JobMessage, RawTensor, RowEnding, RowWork } from "./messages.ts";
import { linesOf, tokenizerOf } from "./modelFile.ts";
import { failureOf } from "./processFailure.ts";
import { bucketOf, tokensOf, tokenTensors } from "./tokenRow.ts";

type Feeds = Record<string, RawTensor>;
/** Runs the graph. */
type Run = (feeds: Feeds, fetches: readonly string[]) => Promise<Feeds>;

/** Rows that can be one run, by their places. */
interface Group {
  places: number[];
  feeds(places: readonly number[]): Feeds;
}

/**
 * Makes tensors of requests that come as texts or encoded images, runs those together that fit together, and reads
 * what comes out. A request that cannot be made a tensor fails alone; so does one that breaks a run.
 */
export async function runRows(
  { rows, work }: { rows: readonly Feeds[]; work: RowWork },
  { fetches = [], files }: Pick<JobMessage, "fetches" | "files">,
  run: Run,
): Promise<RowEnding[]> {
  const endings: RowEnding[] = [];
  const fail = (place: number, error: unknown) => {
    endings[place] = { kind: "failed", ...failureOf(error) };
  };
  const groups = await groupsOf(rows, work, files, fail);
  const runGroup = async (group: Group, places: readonly number[]): Promise<void> => {
    const startMs = performance.now();
    try {
      const results = await run(group.feeds(places), fetches);
      const runMs = performance.now() - startMs;
      const parts = places.length === 1 ? [results] : split(results, places.length);
      if (parts === null) throw new Error("the graph gave not one row per request");
      for (const [at, place] of places.entries()) {
        const read = await readingOf(work, parts[at] as Feeds, files).catch((error) => fail(place, error));
        if (read) endings[place] = { kind: "done", results: read, runMs, batch: places.length };
      }
    } catch (error) {
      if (places.length === 1) fail(places[0] as number, error);
      // Nobody knows whose fault it was.
      else for (const place of places) await runGroup(group, [place]);
    }
  };
  for (const group of groups) await runGroup(group, group.places);
  return endings;
}

async function groupsOf(
  rows: readonly Feeds[],
  { preparation }: RowWork,
  files: Readonly<Record<string, FileReference>>,
  fail: (place: number, error: unknown) => void,
): Promise<Group[]> {
  const groups: Group[] = [];
  if (preparation.kind === "image") {
    // Only now: most processes see no image.
    const { imageTensor } = await import("./imageTensor.ts");
    const prepared: Feeds[] = [];
    for (const [place, { bytes }] of rows.entries()) {
      try {
        const feeds = { [preparation.input]: await imageTensor(preparation, bytes?.data as Uint8Array) };
        prepared[place] = feeds;
        const group = groups.find(({ places: [first] }) =>
          areRowsAlike(prepared[first as number] as Feeds, feeds),
        );
        if (group) group.places.push(place);
        else {
          groups.push({
            places: [place],
            feeds: (places) => stack(places.map((at) => prepared[at] as Feeds)),
          });
        }
      } catch (error) {
        fail(place, error);
      }
    }
    return groups;
  }
  const tokenizer = await tokenizerOf(fileOf(files, preparation.tokenizer));
  const buckets = new Map<number, Group>();
  const tokens: number[][] = [];
  for (const [place, { text }] of rows.entries()) {
    try {
      const row = tokensOf(preparation, tokenizer, String(text?.data[0]));
      tokens[place] = row;
      const bucket = bucketOf(preparation, row);
      const group = buckets.get(bucket);
      if (group) group.places.push(place);
      else {
        buckets.set(bucket, {
          places: [place],
          feeds: (places) =>
            tokenTensors(
              preparation,
              places.map((at) => tokens[at] as number[]),
            ),
        });
      }
    } catch (error) {
      fail(place, error);
    }
  }
  return [...buckets.values()];
}

async function readingOf(
  { reading }: RowWork,
  results: Feeds,
  files: Readonly<Record<string, FileReference>>,
): Promise<Feeds> {
  if (reading === null) return results;
  const { readCtc } = await import("./ctc.ts");
  const lines = await linesOf(fileOf(files, reading.dictionary));
  const symbols = reading.appendSpace ? [...lines, " "] : lines;
  const text = readCtc(results[reading.output] as RawTensor, symbols, reading.minConfidence);
  return { text: { type: "string", dims: [1], data: [text] } };
}

function fileOf(files: Readonly<Record<string, FileReference>>, path: string): FileReference {
  const file = files[path];
  if (file) return file;
  throw new Error(`${path} was not handed over`);
}
