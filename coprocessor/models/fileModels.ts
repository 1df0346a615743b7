import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MANIFEST_LIMITS, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import { CoprocessorError } from "../core/errors.ts";
import type { ResolvedModel } from "../core/model.ts";
import type { Log } from "../observe/port.ts";
import { type Candidate, candidateUris, type ModelPlaces } from "./candidateUris.ts";
import { ContentCache } from "./contentCache.ts";
import { FileVerifier } from "./fileVerifier.ts";
import { LocalModels } from "./localModels.ts";
import { isMissing, modelError } from "./modelErrors.ts";
import { openResumable } from "./openResumable.ts";
import { type FetchPolicy, openUri } from "./openUri.ts";
import type { ModelStore } from "./port.ts";
import { readManifest } from "./readManifest.ts";

export interface FileModelsOptions {
  /** Looked in first; each holds models in its subfolders. */
  folders: readonly string[];
  /** Where fetched files are kept, by hash. */
  cacheDirectory: string;
  log: Log;
  /** Most bytes that fetched files may have together; the longest unused make room. No limit when left out. */
  maxCacheBytes?: number;
  /** Where to fetch from beside what publishers name; nowhere when left out, and the public hub for `hf:`. */
  places?: ModelPlaces;
  /** Most bytes that all files of one model may have; 8 GiB when left out. */
  maxModelBytes?: number;
  /** Bytes to leave free on the cache's disk; 16 MiB when left out. */
  reserveBytes?: number;
  /** Milliseconds without a byte until a download is given up; 30,000 when left out. */
  stallMs?: number;
  /** Milliseconds that the download of one file may take; an hour when left out. */
  deadlineMs?: number;
  /**
   * Whether manifest URIs may lead to loopback and private addresses; false when left out, because URIs come from the
   * chain and so from anybody.
   */
  allowPrivateHosts?: boolean;
  /** Milliseconds for which a look at a folder's file counts; every `resolve` looks when left out. */
  lookMs?: number;
}

/** Manifests are small, but anybody can publish one; so many stay in memory. */
const MANIFESTS_IN_MEMORY = 1_000;

/**
 * Models from the operator's folders, else from the manifest's URI through a disk cache.
 *
 * Nothing is believed: a manifest must hash to its id, every file to what the manifest says, at each `resolve`. The
 * paths that come back can be written to by whoever may write there, so the engine hashes once more what it loads, in
 * the read that it loads from.
 */
export function createFileModels(options: FileModelsOptions): ModelStore {
  return new FileModels(options);
}

class FileModels implements ModelStore {
  readonly #local: LocalModels;
  readonly #cache: ContentCache;
  readonly #verifier: FileVerifier;
  readonly #policy: FetchPolicy;
  readonly #maxModelBytes: number;
  readonly #places: ModelPlaces;
  readonly #log: Log;
  readonly #manifests = new Map<Hex, ModelManifest>();
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(options: FileModelsOptions) {
    this.#local = new LocalModels(options.folders, options.log);
    this.#verifier = new FileVerifier(options.lookMs);
    this.#cache = new ContentCache({
      directory: options.cacheDirectory,
      ...(options.reserveBytes === undefined ? {} : { reserveBytes: options.reserveBytes }),
      ...(options.maxCacheBytes === undefined ? {} : { maxBytes: options.maxCacheBytes }),
    });
    this.#policy = {
      stallMs: options.stallMs ?? 30_000,
      deadlineMs: options.deadlineMs ?? 3_600_000,
      allowPrivateHosts: options.allowPrivateHosts ?? false,
    };
    this.#maxModelBytes = Math.min(
      options.maxModelBytes ?? 8 * 2 ** 30,
      options.maxCacheBytes ?? Number.POSITIVE_INFINITY,
    );
    this.#places = options.places ?? { mirrors: [], ipfsGateways: [], hub: "https://huggingface.co" };
    this.#log = options.log;
  }

  async manifest(id: Hex, manifestURI: string): Promise<ModelManifest> {
    const known = this.#manifests.get(id) ?? (await this.#local.find(id))?.manifest;
    return known ?? this.#once(`manifest ${id} ${manifestURI}`, () => this.#findManifest(id, manifestURI));
  }

  resolve(id: Hex, manifestURI: string): Promise<ResolvedModel> {
    return this.#once(`model ${id} ${manifestURI}`, async () => {
      // One that had to be fetched was in no folder; asking them again for each job costs more than the rest of this.
      const local = this.#manifests.has(id) ? this.#local.known(id) : await this.#local.find(id);
      if (local) {
        const files: Record<string, string> = {};
        for (const file of local.manifest.files) {
          const path = join(local.directory, file.path);
          await this.#verifyLocal(path, file);
          files[file.path] = path;
        }
        return { modelId: id, manifest: local.manifest, files };
      }
      const manifest = await this.manifest(id, manifestURI);
      this.#checkSize(id, manifest);
      const files: Record<string, string> = {};
      const keep = new Set(manifest.files.map(({ sha256 }) => sha256));
      for (const file of manifest.files) files[file.path] = await this.#fetchFile(file, manifestURI, keep);
      return { modelId: id, manifest, files };
    });
  }

  /** Calls with the same key that overlap share one run. */
  #once<T>(key: string, run: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key) as Promise<T> | undefined;
    if (running !== undefined) return running;
    const started = run().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  async #verifyLocal(path: string, file: ModelManifest["files"][number]): Promise<void> {
    try {
      await this.#verifier.verify(path, file);
    } catch (error) {
      if (error instanceof CoprocessorError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw modelError(
        "not-found",
        `${file.path} of the manifest cannot be read: ${message}`,
        "never",
        { file: file.path, path },
        error,
      );
    }
  }

  async #findManifest(id: Hex, manifestURI: string): Promise<ModelManifest> {
    const cached = await this.#cachedManifest(id);
    if (cached) return this.#remember(id, cached);
    const candidates = candidateUris(this.#parseUri(id, manifestURI), `${id}.json`, this.#places);
    return this.#fromFirst(candidates, async (uri, policy) => {
      const bytes = await this.#fetchManifest(id, uri, policy);
      const manifest = readManifest(id, bytes, uri.href);
      await this.#cache.putManifest(id, bytes);
      return this.#remember(id, manifest);
    });
  }

  /** Tries one address after the other; when none gives it, the first one's error is the publisher's and counts. */
  async #fromFirst<T>(
    candidates: readonly Candidate[],
    fetch: (uri: URL, policy: FetchPolicy) => Promise<T>,
  ): Promise<T> {
    const errors: unknown[] = [];
    for (const { uri, isOurs } of candidates) {
      try {
        return await fetch(uri, isOurs ? { ...this.#policy, allowPrivateHosts: true } : this.#policy);
      } catch (error) {
        if (candidates.length > 1)
          this.#log.warn({ err: error, uri: uri.href }, "a model's file is not there");
        errors.push(error);
      }
    }
    throw errors[0];
  }

  #remember(id: Hex, manifest: ModelManifest): ModelManifest {
    if (this.#manifests.size >= MANIFESTS_IN_MEMORY) {
      const [oldest] = this.#manifests.keys();
      if (oldest) this.#manifests.delete(oldest);
    }
    this.#manifests.set(id, manifest);
    return manifest;
  }

  async #cachedManifest(id: Hex): Promise<ModelManifest | null> {
    try {
      const manifest = parseManifest(await readFile(this.#cache.manifestPathOf(id)));
      if (modelId(manifest) === id) return manifest;
      this.#log.warn({ modelId: id }, "cached manifest is damaged; it is fetched again");
    } catch (error) {
      if (!isMissing(error))
        this.#log.warn({ err: error, modelId: id }, "cached manifest is unreadable; it is fetched again");
    }
    return null;
  }

  async #fetchManifest(id: Hex, uri: URL, policy: FetchPolicy): Promise<Uint8Array> {
    const manifestURI = uri.href;
    const { stream, declaredBytes } = await openUri(uri, policy);
    const limit = MANIFEST_LIMITS.manifestBytes;
    const tooLarge = () =>
      modelError("too-large", `the manifest at ${manifestURI} has more than ${limit} bytes`, "never", {
        modelId: id,
        manifestURI,
        limit,
      });
    try {
      if (declaredBytes !== null && declaredBytes > limit) throw tooLarge();
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > limit) throw tooLarge();
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (error) {
      if (error instanceof CoprocessorError) throw error;
      throw modelError(
        "fetch-failed",
        `the manifest at ${manifestURI} broke off: ${String(error)}`,
        "backoff",
        { modelId: id, manifestURI },
        error,
      );
    } finally {
      stream.destroy();
    }
  }

  /** Null for a model without a URI, which a mirror may have. */
  #parseUri(id: Hex, manifestURI: string): URL | null {
    if (manifestURI === "" && this.#places.mirrors.length > 0) return null;
    if (manifestURI === "" || !URL.canParse(manifestURI)) {
      throw modelError(
        "not-found",
        `model ${id} is in no local folder, and ${manifestURI === "" ? "it has no manifest URI" : `${manifestURI} is no URI`}`,
        "never",
        { modelId: id, manifestURI },
      );
    }
    return new URL(manifestURI);
  }

  #checkSize(id: Hex, manifest: ModelManifest): void {
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    if (bytes <= this.#maxModelBytes) return;
    throw modelError("too-large", `model ${id} has ${bytes} bytes, ${this.#maxModelBytes} allowed`, "never", {
      modelId: id,
      bytes,
      limit: this.#maxModelBytes,
    });
  }

  /** One model's files may be another's too: the fetch is shared by content. */
  #fetchFile(
    file: ModelManifest["files"][number],
    manifestURI: string,
    keep: ReadonlySet<string>,
  ): Promise<string> {
    return this.#once(`file ${file.sha256} ${file.bytes} ${manifestURI}`, async () => {
      const path = this.#cache.pathOf(file.sha256);
      this.#cache.touch(file.sha256);
      try {
        await this.#verifier.verify(path, file);
        return path;
      } catch (error) {
        if (error instanceof CoprocessorError) {
          this.#log.warn({ err: error, path }, "cached file is damaged; it is fetched again");
          await this.#cache.remove(file.sha256);
        } else if (!isMissing(error)) throw error;
      }
      await this.#cache.makeRoom(file.bytes, keep);
      const published = manifestURI === "" ? null : new URL(file.path, manifestURI);
      await this.#fromFirst(candidateUris(published, file.sha256, this.#places), async (uri, policy) => {
        const opened = await openResumable(uri, policy, file.bytes, this.#log);
        await this.#cache.put(file, opened, uri.href);
      });
      await this.#verifier.verify(path, file);
      return path;
    });
  }
}
