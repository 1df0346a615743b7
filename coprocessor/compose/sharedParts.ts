import type { Config } from "../config.ts";
import type { OracleScope } from "../core/messages.ts";
import type { Workload } from "../core/workload.ts";
import type { ModelStore } from "../models/port.ts";
import type { Log } from "../observe/port.ts";
import { type StatusServer, type StatusSource, startStatusServer } from "../observe/statusServer.ts";
import { createBullmqQueue } from "../queue/bullmqQueue.ts";
import type { JobQueue } from "../queue/port.ts";
import { type SharedQueue, shareQueue } from "../queue/sharedQueue.ts";
import type { Store } from "../store/port.ts";
import type { Closers } from "./closers.ts";
import { openModels } from "./models.ts";
import { openStorage, type Storage } from "./storage.ts";
import { type RunningWorker, startEmbeddedWorker } from "./worker.ts";
import { openWorkload } from "./workload.ts";

/** Namespace of a queue that several oracles share inside the process. */
const SEVERAL = "node";

/** What the oracles that one process serves have in common. */
export interface SharedParts {
  readonly models: ModelStore;
  store: Storage["openStore"];
  /** An oracle's end of the process's queue. @param fallback The queue's namespace if the configuration names none. */
  queue(scope: OracleScope, fallback: string): Promise<{ queue: JobQueue; namespace: string }>;
  workload(live: { current: Config }, store: Store): Promise<Workload>;
  /** The worker in this process, started by the first who asks; null when others do its work. */
  worker(): Promise<RunningWorker | null>;
  /** Shows an oracle's status at the process's address. @returns where. */
  showStatus(source: StatusSource): Promise<StatusServer>;
}

/** Opens what an oracle that is served alone needs, each part when it is asked for. */
export function openSharedParts(config: Config, log: Log, closers: Closers): SharedParts {
  return sharedParts(config, true, log, closers, (source) => startStatusServer(source, config.status));
}

/**
 * As `openSharedParts`, for several oracles.
 *
 * @param config Any one's: what the process has in common is the same in all.
 */
export function sharedParts(
  config: Config,
  alone: boolean,
  log: Log,
  closers: Closers,
  showStatus: SharedParts["showStatus"],
): SharedParts {
  const models = openModels(config, log);
  const storage = once(() => openStorage(config, { alone, log }, closers));
  let first: Workload | undefined;
  let namespace = config.queueNamespace ?? (alone ? null : SEVERAL);
  const stores = new Map<string, () => Promise<Store>>();

  const queueOptions = async () => ({
    backend: (await storage()).backend,
    namespace: namespace as string,
    secret: config.queueSecret,
    log,
  });
  const queue = once(async (): Promise<SharedQueue> => {
    const { capabilities } = config;
    const bullmq = await createBullmqQueue({ ...(await queueOptions()), capabilities });
    closers.add("queue", () => bullmq.close());
    return alone ? { of: () => bullmq } : shareQueue(bullmq);
  });
  const worker = once(async () =>
    config.embeddedWorker
      ? startEmbeddedWorker(config, { models, log, queueOptions: await queueOptions() }, closers)
      : null,
  );

  return {
    models,
    store(of) {
      const name = `${of.chainId}/${of.oracle}`.toLowerCase();
      const open = stores.get(name) ?? once(async () => (await storage()).openStore(of));
      stores.set(name, open);
      return open();
    },
    async queue(scope, fallback) {
      namespace ??= fallback;
      return { queue: (await queue()).of(scope), namespace };
    },
    async workload(live, store) {
      const opened = await openWorkload(live, store, first);
      first ??= opened;
      return opened;
    },
    worker,
    showStatus,
  };
}

/** Everybody who asks gets the same one; after a failure the next one tries again. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | null = null;
  return () => {
    if (opened !== null) return opened;
    const opening = open();
    opened = opening;
    opening.catch(() => {
      opened = null;
    });
    return opening;
  };
}
