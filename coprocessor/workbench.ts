import { join } from "node:path";
import type { ProviderChoice } from "./core/providerChoice.ts";
import { createOnnxEngine } from "./inference/onnxEngine.ts";
import type { InferenceEngine } from "./inference/port.ts";
import { createFileModels } from "./models/fileModels.ts";
import type { ModelStore } from "./models/port.ts";
import { createPinoLog } from "./observe/pinoLog.ts";

export interface WorkbenchOptions {
  /** Folders with one model each in their subfolders. */
  modelFolders: readonly string[];
  /** Where fetched models are kept. */
  dataDir: string;
  /** Jobs that run at the same time. */
  threads: number;
  providers: ProviderChoice;
  /** Threads inside one operator of a graph; 1 when left out. */
  intraOpThreads?: number;
  /** Graph optimisation level; "all" when left out. */
  optimisation?: "disabled" | "basic" | "extended" | "all";
}

/** Models and an engine to run them with, as an operator has them, but without a chain. */
export interface Workbench {
  models: ModelStore;
  engine: InferenceEngine;
  close(): Promise<void>;
}

/** Composes what commands and benches need that run models and follow no chain. */
export function openWorkbench(options: WorkbenchOptions): Workbench {
  const log = createPinoLog("error", { service: "sibyl" });
  const engine = createOnnxEngine({
    threads: options.threads,
    providers: options.providers,
    log,
    ...(options.intraOpThreads === undefined ? {} : { intraOpThreads: options.intraOpThreads }),
    ...(options.optimisation === undefined ? {} : { optimisation: options.optimisation }),
  });
  const models = createFileModels({
    folders: options.modelFolders,
    cacheDirectory: join(options.dataDir, "models"),
    log,
  });
  return { models, engine, close: () => engine.close() };
}
