import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MANIFEST_LIMITS, type ModelManifest, modelId, parseManifest } from "@sibyl/sdk";
import type { Hex } from "viem";
import type { Log } from "../observe/port.ts";
import { isMissing } from "./modelErrors.ts";

/** A model in one of the operator's own folders; its files are not checked yet. */
export interface LocalModel {
  manifest: ModelManifest;
  directory: string;
}

/**
 * Models that lie in the operator's folders, `<folder>/<anything>/manifest.json` each.
 *
 * The id is computed from the manifest that is there; a manifest that is wrong is logged once and left out, so that it
 * cannot keep the others from being served. Folders are read at the first question and again when an id is unknown.
 */
export class LocalModels {
  readonly #folders: readonly string[];
  readonly #log: Log;
  readonly #models = new Map<Hex, LocalModel>();
  readonly #complained = new Set<string>();
  #scanning: Promise<void> | null = null;

  constructor(folders: readonly string[], log: Log) {
    this.#folders = folders.map((folder) => resolve(folder));
    this.#log = log;
  }

  /** As `find`, without a look at the folders. */
  known(id: Hex): LocalModel | null {
    return this.#models.get(id) ?? null;
  }

  async find(id: Hex): Promise<LocalModel | null> {
    const known = this.#models.get(id);
    if (known) return known;
    // Whoever asks while a scan runs may have added a folder after it passed there; the next question will see it.
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = null;
    });
    await this.#scanning;
    return this.#models.get(id) ?? null;
  }

  async #scan(): Promise<void> {
    for (const folder of this.#folders) {
      for (const name of await this.#subfolders(folder)) {
        const directory = join(folder, name);
        try {
          const manifest = await readManifest(join(directory, "manifest.json"));
          // The first folder wins, as in a search path.
          const id = modelId(manifest);
          if (!this.#models.has(id)) this.#models.set(id, { manifest, directory });
        } catch (error) {
          if (!isMissing(error)) this.#complain(directory, error);
        }
      }
    }
  }

  async #subfolders(folder: string): Promise<string[]> {
    try {
      const entries: Dirent[] = await readdir(folder, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
        .map(({ name }) => name)
        .sort();
    } catch (error) {
      this.#complain(folder, error);
      return [];
    }
  }

  #complain(directory: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const complaint = `${directory}: ${message}`;
    if (this.#complained.has(complaint)) return;
    this.#complained.add(complaint);
    this.#log.warn({ err: error, directory }, "model folder left out");
  }
}

async function readManifest(path: string): Promise<ModelManifest> {
  const { size } = await stat(path);
  if (size > MANIFEST_LIMITS.manifestBytes) {
    throw new Error(`manifest.json has ${size} bytes, ${MANIFEST_LIMITS.manifestBytes} allowed`);
  }
  return parseManifest(await readFile(path));
}
