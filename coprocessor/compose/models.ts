import { join } from "node:path";
import type { WorkConfig } from "../config/workConfig.ts";
import { createFileModels } from "../models/fileModels.ts";
import type { ModelStore } from "../models/port.ts";
import type { Log } from "../observe/port.ts";

/** A busy worker asks for its model more often than anybody changes it. */
const LOOK_MS = 100;

/** The models that an operator has, and those that its configuration lets it fetch. */
export function openModels(config: WorkConfig, log: Log): ModelStore {
  return createFileModels({
    folders: config.modelFolders,
    cacheDirectory: join(config.dataDir, "models"),
    allowPrivateHosts: config.modelPrivateHosts,
    places: config.modelPlaces,
    lookMs: LOOK_MS,
    ...(config.modelCacheBytes === null ? {} : { maxCacheBytes: config.modelCacheBytes }),
    log,
  });
}
