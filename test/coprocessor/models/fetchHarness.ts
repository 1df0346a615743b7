import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { createFileModels, type FileModelsOptions } from "../../../coprocessor/models/fileModels.ts";
import type { ModelStore } from "../../../coprocessor/models/port.ts";
import { collectedLog } from "../collectedLog.ts";
import { LoopbackServer } from "./loopbackServer.ts";
import type { TinyModel } from "./tinyModel.ts";

/** A server and a cache of its own for each test of a file. */
export class FetchHarness {
  root = "";
  server = new LoopbackServer();

  constructor() {
    beforeEach(async () => {
      this.root = mkdtempSync(join(tmpdir(), "sibyl-test-"));
      this.server = new LoopbackServer();
      await this.server.listen();
    });
    afterEach(async () => {
      await this.server.close();
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  get cache(): string {
    return join(this.root, "cache");
  }

  /** A store with nothing but the cache; two of them are two runs of a node. */
  store(options: Partial<FileModelsOptions> = {}): ModelStore {
    return createFileModels({
      folders: [],
      cacheDirectory: this.cache,
      log: collectedLog(),
      allowPrivateHosts: true,
      stallMs: 2_000,
      ...options,
    });
  }

  /** Puts a model on the server and returns its manifest's URI. */
  serve(model: TinyModel): string {
    this.server.routes.set(`/${model.id}/manifest.json`, model.manifest);
    for (const [path, bytes] of Object.entries(model.files))
      this.server.routes.set(`/${model.id}/${path}`, bytes);
    return this.server.url(`/${model.id}/manifest.json`);
  }

  /** Downloads that are not finished. */
  incoming(): string[] {
    return readdirSync(join(this.cache, "incoming"));
  }
}
