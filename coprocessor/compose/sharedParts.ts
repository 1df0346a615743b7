import type { Address } from "viem";
import type { Config } from "../config.ts";
import type { CoprocessorError } from "../core/errors.ts";
import type { OracleScope } from "../core/messages.ts";
import type { Workload } from "../core/workload.ts";
import type { ModelStore } from "../models/port.ts";
import type { HttpServer } from "../observe/httpServer.ts";
import type { Log, Tracing } from "../observe/port.ts";
import { createOracleRegistry, createRegistry, type MetricsRegistry } from "../observe/promExposition.ts";
import { createProcessGauges } from "../observe/promProcessGauges.ts";
import { type StatusSource, startStatusServer } from "../observe/statusServer.ts";
import { createBullmqQueue } from "../queue/bullmqQueue.ts";
import type { JobQueue } from "../queue/port.ts";
import { type SharedQueue, shareQueue } from "../queue/sharedQueue.ts";
import type { Store } from "../store/port.ts";
import type { StandbyOptions } from "../store/storeLease.ts";
import type { Closers } from "./closers.ts";
import { type ControlToken, writeControlToken } from "./controlToken.ts";
import { type Leases, leaseStore, takeLeases } from "./lease.ts";
import { openModels } from "./models.ts";
import type { Role } from "./nodeStatus.ts";
import { type NodeTelemetry, openNodeTelemetry } from "./nodeTelemetry.ts";
import { openTracing } from "./observation.ts";
import { openWorkerChecks, type WorkerChecks } from "./spotChecks.ts";
import { openStorage, type Storage } from "./storage.ts";
import { VERSION } from "./version.ts";
import { type RunningWorker, startEmbeddedWorker } from "./worker.ts";
import { openWorkload } from "./workload.ts";

/** Namespace of a queue that several oracles share inside the process. */
const SEVERAL = "node";

/** What an oracle's end of the queue and the worker in this process are sealed and named with. */
export interface QueueTerms {
  namespace: string;
  secret: string | null;
  traced: boolean;
}

/** What the oracles that one process serves have in common; each part is opened by the first who asks for it. */
export interface SharedParts {
  readonly models: ModelStore;
  /** Of what the process counts once; an oracle that is served alone counts there too. */
  readonly registry: MetricsRegistry;
  /** @param oracle Its name; null where it is served alone. */
  telemetry(oracle: string | null): NodeTelemetry;
  /** @param of.actor Tells operators apart whose traces meet. */
  tracing(of: { actor: string; log: Log }): Tracing;
  /**
   * @param closers Of whoever asks.
   * @throws CoprocessorError as `takeLeases` does.
   */
  leases(
    of: { scope: OracleScope; attester: Address; log: Log; standby?: StandbyOptions | undefined },
    closers: Closers,
  ): Promise<Leases>;
  store: Storage["openStore"];
  /** @param ours What an oracle that is served alone calls its queue if the configuration does not. */
  namespace(ours: string): string;
  /** An oracle's end of the process's queue. */
  queue(scope: OracleScope, terms: QueueTerms): Promise<JobQueue>;
  /** Null where workers are not checked. */
  workerChecks(): WorkerChecks | null;
  workload(live: { current: Config }, store: Store): Promise<Workload>;
  /** The worker in this process; null when others do its work. */
  worker(terms: QueueTerms, tracing: Tracing): Promise<RunningWorker | null>;
  /** Lets a command change something, from its first call until the process ends. */
  controlToken(): ControlToken;
  /** Shows an oracle's status at the process's address. @returns where. */
  showStatus(source: StatusSource): Promise<HttpServer>;
}

/** What several oracles in one process are told about it. */
export interface Several {
  /** Of the oracles. */
  names: readonly string[];
  registry: MetricsRegistry;
  /** Called once another process writes to the store: nothing can be served from here any more. */
  onLost(error: CoprocessorError): void;
  showStatus: SharedParts["showStatus"];
}

/**
 * @param config With several oracles any one's: what the process has in common is the same in all.
 * @param several Null for an oracle that is served alone.
 */
export function sharedParts(
  config: Config,
  { role, several, log }: { role: Role; several: Several | null; log: Log },
  closers: Closers,
): SharedParts {
  const alone = several === null;
  const models = openModels(config, log);
  const registry = several?.registry ?? createRegistry({ version: VERSION, role });
  const showProcess = createProcessGauges(registry);
  const storage = once(() => openStorage(config, { alone, log }, closers));
  const ofAll = several === null ? "" : `oracles-${several.names.join("-")}`;
  const storeLease = once(() => {
    const onLost = (error: CoprocessorError) => several?.onLost(error);
    return leaseStore(config, { name: ofAll, log, onLost }, closers);
  });
  const stores = new Map<string, () => Promise<Store>>();
  let firstWorkload: Workload | undefined;
  let opened: Tracing | null = null;
  let checks: WorkerChecks | null | undefined;
  let token: ControlToken | null = null;

  const queueOptions = async (terms: QueueTerms) => ({ ...terms, backend: (await storage()).backend, log });
  const queue = once(async (terms: QueueTerms): Promise<SharedQueue> => {
    const { capabilities } = config;
    const bullmq = await createBullmqQueue({ ...(await queueOptions(terms)), capabilities });
    if (alone) return { of: () => bullmq };
    closers.add("queue", () => bullmq.close());
    return shareQueue(bullmq);
  });
  const worker = once(async (terms: QueueTerms, tracing: Tracing) =>
    config.embeddedWorker
      ? startEmbeddedWorker(
          config,
          { models, log, registry, tracing, queueOptions: await queueOptions(terms) },
          closers,
        )
      : null,
  );

  return {
    models,
    registry,
    telemetry: (oracle) =>
      openNodeTelemetry(oracle === null ? registry : createOracleRegistry(oracle), showProcess),
    tracing(of) {
      const about = alone ? of : { actor: ofAll, log };
      opened ??= openTracing(config.tracing, { service: "sibyl-node", ...about }, closers);
      return alone ? opened : opened.as(of.actor);
    },
    async leases(of, ownClosers) {
      return takeLeases(config, alone ? of : { ...of, store: await storeLease() }, ownClosers);
    },
    store(of) {
      const name = `${of.chainId}/${of.oracle}`.toLowerCase();
      const open = stores.get(name) ?? once(async () => (await storage()).openStore(of));
      stores.set(name, open);
      return open();
    },
    namespace: (ours) => config.queueNamespace ?? (alone ? ours : SEVERAL),
    queue: async (scope, terms) => (await queue(terms)).of(scope),
    workerChecks() {
      if (checks === undefined) checks = openWorkerChecks(config, { models, log }, closers);
      return checks;
    },
    async workload(live, store) {
      const opened = await openWorkload(live, store, firstWorkload);
      firstWorkload ??= opened;
      return opened;
    },
    worker,
    controlToken() {
      if (token !== null) return token;
      const written = writeControlToken(config.dataDir);
      closers.add("control token", async () => written.remove());
      token = written;
      return written;
    },
    showStatus: several?.showStatus ?? ((source) => startStatusServer(source, config.status)),
  };
}

/** Everybody who asks gets what the first one asked for; after a failure the next one tries again. */
function once<Of extends unknown[], T>(open: (...of: Of) => Promise<T>): (...of: Of) => Promise<T> {
  let opened: Promise<T> | null = null;
  return (...of) => {
    if (opened !== null) return opened;
    const opening = open(...of);
    opened = opening;
    opening.catch(() => {
      opened = null;
    });
    return opening;
  };
}
