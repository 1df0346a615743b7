import type { ResolvedModel } from "../core/model.ts";
import type { Provider } from "../core/runtime.ts";
import { mostTogether } from "./company.ts";
import { inferenceError } from "./inferenceError.ts";
import { MAX_JOBS, type ModelEntry } from "./messages.ts";

/** Milliseconds of work that jobs which run one by one may share a frame for. */
const FRAME_MS = 5;
/** Most milliseconds of a tiny job, a few times what the node itself does for it. */
const TINY_MS = 0.02;
/** Weight of the latest frame in what a job takes. */
const LATEST = 0.5;

/** A model as processes are told of it, and how many of its jobs go into one frame. */
export class LoadableModel {
  readonly modelId: string;
  /** The `ModelEntry` as JSON. */
  readonly head: Buffer;
  /** As it was last resolved. */
  #resolved: ResolvedModel;
  readonly #together: number;
  /** Null while nothing was measured. */
  #msPerJob: number | null = null;

  /** @throws CoprocessorError `inference/model-failed` when the entry has no file. */
  constructor(resolved: ResolvedModel, provider: Provider) {
    const { modelId, manifest, files } = resolved;
    const entryPath = files[manifest.entry];
    const sha256 = manifest.files.find(({ path }) => path === manifest.entry)?.sha256;
    if (entryPath === undefined || sha256 === undefined) {
      throw inferenceError("model-failed", `the model's entry ${manifest.entry} has no file`, {
        meta: { modelId },
      });
    }
    const others = manifest.files.flatMap(({ path, sha256: hash }) => {
      const local = files[path];
      return path === manifest.entry || local === undefined ? [] : [[path, { path: local, sha256: hash }]];
    });
    // What a process does not need is left out: it is a good part of a manifest.
    const { sources: _, metrics: __, ...needed } = manifest;
    const entry: ModelEntry = {
      modelId,
      manifest: needed,
      entryPath,
      sha256,
      provider,
      files: Object.fromEntries(others),
    };
    this.modelId = modelId;
    this.head = Buffer.from(JSON.stringify(entry));
    this.#resolved = resolved;
    this.#together = mostTogether(manifest);
  }

  /** Whether it is this model, with its files where they were, at a glance. */
  is({ manifest, files }: ResolvedModel): boolean {
    const known = this.#resolved;
    if (manifest !== known.manifest) return false;
    return files === known.files || manifest.files.every(({ path }) => files[path] === known.files[path]);
  }

  /** Whether another one says the same; then this one is also what the other was made of. */
  absorbs(other: LoadableModel): boolean {
    if (!this.head.equals(other.head)) return false;
    this.#resolved = other.#resolved;
    return true;
  }

  /**
   * Most jobs in one frame. Those that run together share one run. Those that run one by one share the way there and
   * back, as long as it is longer than the work.
   */
  get jobsPerFrame(): number {
    if (this.#together > 1) return Math.min(this.#together, MAX_JOBS);
    if (this.#msPerJob === null) return 1;
    return Math.max(1, Math.min(MAX_JOBS, Math.floor(FRAME_MS / this.#msPerJob)));
  }

  /** Whether a full frame is worked off about as fast as it comes and goes. */
  get isShort(): boolean {
    return this.#msPerJob !== null && this.#msPerJob * this.jobsPerFrame <= FRAME_MS;
  }

  /** Whether its jobs keep the node, which hands them out, as busy as the processes. */
  get isTiny(): boolean {
    return this.#msPerJob !== null && this.#msPerJob <= TINY_MS;
  }

  /** Tells what a frame took, with the model loaded. */
  took(frameMs: number, jobs: number): void {
    const ms = Math.max(frameMs / jobs, Number.EPSILON);
    this.#msPerJob = this.#msPerJob === null ? ms : LATEST * ms + (1 - LATEST) * this.#msPerJob;
  }
}
